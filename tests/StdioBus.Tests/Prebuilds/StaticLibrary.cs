using System.Globalization;
using System.Text;

namespace StdioBus.Tests.Prebuilds;

/// <summary>An archive of object files, as ar writes it.</summary>
internal static class StaticLibrary
{
    private const int HeaderSize = 60;

    /// <summary>The object files in it.</summary>
    public static IEnumerable<byte[]> Members(byte[] archive)
    {
        Assert.Equal("!<arch>\n"u8, archive.AsSpan(0, 8));
        int at = 8;
        while (at < archive.Length)
        {
            string name = Encoding.ASCII.GetString(archive, at, 16).TrimEnd();
            int size = int.Parse(Encoding.ASCII.GetString(archive, at + 48, 10), CultureInfo.InvariantCulture);
            int start = at + HeaderSize, end = start + size;
            at = end + (end % 2);

            // BSD's way: the name, of this length, stands before the contents.
            if (name.StartsWith("#1/", StringComparison.Ordinal))
            {
                int length = int.Parse(name.AsSpan(3), CultureInfo.InvariantCulture);
                name = Encoding.ASCII.GetString(archive, start, length).TrimEnd('\0');
                start += length;
            }

            // An index of names, or a list of long names of files.
            if (name is not ("/" or "//" or "/SYM64/") && !name.StartsWith("__.SYMDEF", StringComparison.Ordinal))
                yield return archive[start..end];
        }
    }
}
