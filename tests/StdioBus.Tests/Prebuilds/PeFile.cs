using System.Reflection.PortableExecutable;

namespace StdioBus.Tests.Prebuilds;

/// <summary>What a PE file says of itself.</summary>
internal sealed class PeFile
{
    private readonly PEReader _reader;

    public PeFile(byte[] bytes) => _reader = new PEReader(new MemoryStream(bytes));

    public Machine Machine => _reader.PEHeaders.CoffHeader.Machine;

    public bool IsLibrary => _reader.PEHeaders.CoffHeader.Characteristics.HasFlag(Characteristics.Dll);

    /// <summary>The linker writes them anew each time: the same sources must give the same bytes.</summary>
    public (int Time, uint Checksum) TimeAndChecksum => (_reader.PEHeaders.CoffHeader.TimeDateStamp, _reader.PEHeaders.PEHeader!.CheckSum);

    public DllCharacteristics Protections => _reader.PEHeaders.PEHeader!.DllCharacteristics;

    /// <summary>Names that whoever loads the file can use.</summary>
    public IEnumerable<string> Exports
    {
        get
        {
            int directory = _reader.PEHeaders.PEHeader!.ExportTableDirectory.RelativeVirtualAddress;
            if (directory == 0)
                return [];
            int count = At(directory + 24), names = At(directory + 32);
            return Enumerable.Range(0, count).Select(i => NameAt(At(names + (4 * i)))).ToList();
        }
    }

    private int At(int address) => _reader.GetSectionData(address).GetReader().ReadInt32();

    private string NameAt(int address)
    {
        var reader = _reader.GetSectionData(address).GetReader();
        int length = reader.IndexOf(0);
        return reader.ReadUTF8(length);
    }
}
