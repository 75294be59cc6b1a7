using System.Security.Cryptography;

namespace StdioBus.Tests.Prebuilds;

/// <summary>What a Mach-O file of 64 bits says of itself.</summary>
internal sealed class MachOFile
{
    public const int ObjectFile = 1, Program = 2, Library = 6;
    public const int X64 = 0x01000007, Arm64 = 0x0100000C;
    private const int LoadLibrary = 0xC, LibraryName = 0xD, Symbols = 2, CodeSignature = 0x1D, BuildVersion = 0x32;
    private const int Info = unchecked((int)0x80000022), ExportsTrie = unchecked((int)0x80000033);
    private readonly byte[] _bytes;
    private readonly ByteReader _file;
    private readonly List<(int Kind, int At)> _commands = [];

    public MachOFile(byte[] bytes)
    {
        (_bytes, _file) = (bytes, new ByteReader(bytes));
        Assert.Equal(unchecked((int)0xFEEDFACF), _file.Int32(0));
        for (int at = 32, left = _file.Int32(16); left > 0; left--, at += _file.Int32(at + 4))
            _commands.Add((_file.Int32(at), at));
    }

    public int Processor => _file.Int32(4);

    public int Type => _file.Int32(12);

    /// <summary>A program that is loaded at any address.</summary>
    public bool IsPositionIndependentProgram => Type == Program && (_file.Int32(24) & 0x200000) != 0;

    /// <summary>The stack is no place for code: only a mark would make it one.</summary>
    public bool StackIsData => (_file.Int32(24) & 0x20000) == 0;

    public IEnumerable<string> NeededLibraries => Texts(LoadLibrary);

    public string? Name => Texts(LibraryName).SingleOrDefault();

    /// <summary>The oldest macOS that it is for.</summary>
    public Version Oldest
    {
        get
        {
            int version = _file.Int32(_commands.Find(command => command.Kind == BuildVersion).At + 12);
            return new Version(version >> 16, (version >> 8) & 0xFF);
        }
    }

    /// <summary>Names that whoever loads the file can use, without the underscore of the platform.</summary>
    public IEnumerable<string> Exports
    {
        get
        {
            var names = new List<string>();
            foreach ((int kind, int at) in _commands)
                if (kind is ExportsTrie && _file.Int32(at + 12) > 0)
                    Walk(_file.Int32(at + 8), _file.Int32(at + 8), "", names);
                else if (kind is Info && _file.Int32(at + 44) > 0)
                    Walk(_file.Int32(at + 40), _file.Int32(at + 40), "", names);
            return names.Select(name => name[1..]);
        }
    }

    /// <summary>Names that an object file shares with what it is linked to.</summary>
    public IEnumerable<string> SharedNames => SymbolNames(isDefined: true);

    /// <summary>Names that others have to supply.</summary>
    public IEnumerable<string> Imports => SymbolNames(isDefined: false);

    public bool IsSigned => _commands.Exists(command => command.Kind == CodeSignature);

    /// <summary>Whether the signature is ad hoc and the hash of every page is that of the page.</summary>
    public bool SignatureHolds()
    {
        int at = _commands.Find(command => command.Kind == CodeSignature).At;
        int signature = _file.Int32(at + 8);
        int directory = signature + _file.BigEndianInt32(signature + 16);
        bool isKnown = _file.BigEndianInt32(signature) == unchecked((int)0xFADE0CC0) && _file.BigEndianInt32(directory) == unchecked((int)0xFADE0C02);
        bool isAdHoc = (_file.BigEndianInt32(directory + 12) & 2) != 0;
        bool isSha256 = _file.Byte(directory + 36) == SHA256.HashSizeInBytes && _file.Byte(directory + 37) == 2;
        int hashes = directory + _file.BigEndianInt32(directory + 16);
        int pages = _file.BigEndianInt32(directory + 28), end = _file.BigEndianInt32(directory + 32), pageSize = 1 << _file.Byte(directory + 39);
        bool isWhole = end == signature && pages == (end + pageSize - 1) / pageSize;
        return isKnown && isAdHoc && isSha256 && isWhole && Enumerable.Range(0, pages).All(page =>
            SHA256.HashData(_bytes.AsSpan(page * pageSize, Math.Min(pageSize, end - (page * pageSize))))
                .AsSpan().SequenceEqual(_file.Slice(hashes + (page * SHA256.HashSizeInBytes), SHA256.HashSizeInBytes)));
    }

    private IEnumerable<string> Texts(int kind) =>
        _commands.Where(command => command.Kind == kind).Select(command => _file.Name(command.At + _file.Int32(command.At + 8)));

    // External symbols, also those that are hidden (private external): a static library hides nothing.
    private IEnumerable<string> SymbolNames(bool isDefined)
    {
        foreach ((int kind, int at) in _commands)
        {
            if (kind != Symbols)
                continue;
            int first = _file.Int32(at + 8), count = _file.Int32(at + 12), names = _file.Int32(at + 16);
            for (int symbol = first; symbol < first + (count * 16); symbol += 16)
            {
                int type = _file.Byte(symbol + 4);
                bool isDebug = (type & 0xE0) != 0, isExternal = (type & 1) != 0;
                if (!isDebug && isExternal && (type & 0x0E) != 0 == isDefined)
                    yield return _file.Name(names + _file.Int32(symbol))[1..];
            }
        }
    }

    // A node: the size of what it exports, that, the number of its branches, and for each the letters that lead there
    // and where it lies.
    private void Walk(int trie, int node, string name, List<string> names)
    {
        int at = node;
        int size = Number(ref at);
        if (size > 0)
            names.Add(name);
        at += size;
        int branches = _file.Byte(at++);
        for (; branches > 0; branches--)
        {
            string letters = _file.Name(at);
            at += letters.Length + 1;
            Walk(trie, trie + Number(ref at), name + letters, names);
        }
    }

    private int Number(ref int at)
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = _file.Byte(at++);
            value |= (part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
    }
}
