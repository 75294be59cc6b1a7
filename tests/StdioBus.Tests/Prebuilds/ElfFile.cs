namespace StdioBus.Tests.Prebuilds;

/// <summary>What an ELF file says of itself, of 32 or 64 bits: its kind, its protections, its names.</summary>
internal sealed class ElfFile
{
    public const int Relocatable = 1, SharedObject = 3;
    private const int Interpreter = 3, Stack = 0x6474E551, ReadOnlyAfterRelocation = 0x6474E552;
    private const int SymbolTable = 2, DynamicTable = 6, DynamicSymbols = 11, NeededVersions = 0x6FFFFFFE;
    private readonly ByteReader _file;
    private readonly bool _is64;
    private readonly List<Section> _sections = [];
    private readonly Dictionary<int, int> _segments = [];
    private readonly List<(int Tag, int Value)> _dynamic = [];
    private readonly int _dynamicNames;

    public ElfFile(byte[] bytes)
    {
        Assert.Equal("\u007fELF"u8, bytes.AsSpan(0, 4));
        _file = new ByteReader(bytes);
        _is64 = _file.Byte(4) == 2;
        Type = _file.UInt16(16);
        Machine = _file.UInt16(18);
        ReadSegments();
        ReadSections();
        if (_sections.Find(section => section.Type == DynamicTable) is { } dynamic)
        {
            _dynamicNames = _sections[dynamic.Link].Offset;
            for (int at = dynamic.Offset; at < dynamic.Offset + dynamic.Size; at += 2 * WordSize)
                _dynamic.Add((Word(at), Word(at + WordSize)));
        }
    }

    public int Type { get; }

    public int Machine { get; }

    /// <summary>Whether another program loads it, or must have loaded it.</summary>
    public bool HasInterpreter => _segments.ContainsKey(Interpreter);

    /// <summary>No code can be run from the stack: only a mark that says so counts.</summary>
    public bool StackIsData => _segments.TryGetValue(Stack, out int flags) && (flags & 1) == 0;

    /// <summary>The tables of functions cannot be written to once it runs: they are filled before, and then locked.</summary>
    public bool TablesAreLocked => _segments.ContainsKey(ReadOnlyAfterRelocation) && (Flags(30) & 8) != 0 && (Flags(0x6FFFFFFB) & 1) != 0;

    /// <summary>A program that is loaded at any address.</summary>
    public bool IsPositionIndependentProgram => Type == SharedObject && (Flags(0x6FFFFFFB) & 0x08000000) != 0;

    public IEnumerable<string> NeededLibraries => Texts(1);

    public string? LibraryName => Texts(14).SingleOrDefault();

    /// <summary>Versions of other libraries' names: GLIBC_2.17.</summary>
    public IEnumerable<string> NeededNameVersions
    {
        get
        {
            if (_sections.Find(section => section.Type == NeededVersions) is not { } needs)
                yield break;
            int names = _sections[needs.Link].Offset;
            for (int at = needs.Offset, next = -1; next != 0; at += next)
            {
                next = _file.Int32(at + 12);
                for (int version = at + _file.Int32(at + 8), following = -1; following != 0; version += following)
                {
                    following = _file.Int32(version + 12);
                    yield return _file.Name(names + _file.Int32(version + 8));
                }
            }
        }
    }

    /// <summary>Names that whoever loads the file can use.</summary>
    public IEnumerable<string> Exports => Names(DynamicSymbols, defined: true);

    /// <summary>Names that others have to supply when it is loaded.</summary>
    public IEnumerable<string> Imports => Names(DynamicSymbols, defined: false);

    /// <summary>Names that an object file shares with what it is linked to.</summary>
    public IEnumerable<string> SharedNames => Names(SymbolTable, defined: true);

    private int WordSize => _is64 ? 8 : 4;

    private int Flags(int tag) => _dynamic.Find(entry => entry.Tag == tag).Value;

    private IEnumerable<string> Texts(int tag) => _dynamic.Where(entry => entry.Tag == tag).Select(entry => _file.Name(_dynamicNames + entry.Value));

    private int Word(int at) => _is64 ? (int)System.Buffers.Binary.BinaryPrimitives.ReadInt64LittleEndian(_file.Slice(at, 8)) : _file.Int32(at);

    // Global and weak symbols, whatever their visibility: a static library hides nothing.
    private IEnumerable<string> Names(int table, bool defined)
    {
        if (_sections.Find(section => section.Type == table) is not { } symbols)
            yield break;
        int names = _sections[symbols.Link].Offset;
        int size = _is64 ? 24 : 16;
        for (int at = symbols.Offset; at < symbols.Offset + symbols.Size; at += size)
        {
            int binding = _file.Byte(at + (_is64 ? 4 : 12)) >> 4;
            bool isDefined = _file.UInt16(at + (_is64 ? 6 : 14)) != 0;
            if (binding is 1 or 2 && isDefined == defined)
                yield return _file.Name(names + _file.Int32(at));
        }
    }

    private void ReadSegments()
    {
        int first = Word(_is64 ? 32 : 28), size = _file.UInt16(_is64 ? 54 : 42), count = _file.UInt16(_is64 ? 56 : 44);
        for (int at = first; at < first + (count * size); at += size)
            _segments[_file.Int32(at)] = _file.Int32(at + (_is64 ? 4 : 24));
    }

    private void ReadSections()
    {
        int first = Word(_is64 ? 40 : 32), size = _file.UInt16(_is64 ? 58 : 46), count = _file.UInt16(_is64 ? 60 : 48);
        for (int at = first; at < first + (count * size); at += size)
        {
            _sections.Add(_is64
                ? new Section(_file.Int32(at + 4), Word(at + 24), Word(at + 32), _file.Int32(at + 40))
                : new Section(_file.Int32(at + 4), Word(at + 16), Word(at + 20), _file.Int32(at + 24)));
        }
    }

    private sealed record Section(int Type, int Offset, int Size, int Link);
}
