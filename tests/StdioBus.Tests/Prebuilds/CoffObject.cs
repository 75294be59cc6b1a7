namespace StdioBus.Tests.Prebuilds;

/// <summary>An object file of Windows.</summary>
internal static class CoffObject
{
    private const int SymbolSize = 18, External = 2;

    /// <summary>Names that it shares with what it is linked to.</summary>
    public static IEnumerable<string> SharedNames(byte[] bytes)
    {
        var file = new ByteReader(bytes);
        int table = file.Int32(8), count = file.Int32(12), texts = table + (count * SymbolSize);
        for (int i = 0; i < count; i += 1 + file.Byte(table + (i * SymbolSize) + 17))
        {
            int at = table + (i * SymbolSize);
            bool isDefined = file.UInt16(at + 12) != 0 || file.Int32(at + 8) != 0; // a common one has a size and no section
            if (file.Byte(at + 16) == External && isDefined)
                yield return file.Int32(at) == 0 ? file.Name(texts + file.Int32(at + 4)) : System.Text.Encoding.ASCII.GetString(file.Slice(at, 8)).TrimEnd('\0');
        }
    }
}
