using System.Buffers.Binary;
using System.Text;

namespace StdioBus.Tests.Prebuilds;

/// <summary>Little-endian numbers and NUL-terminated names at given places of a file.</summary>
internal readonly struct ByteReader(byte[] bytes)
{
    public ReadOnlySpan<byte> Slice(int at, int length) => bytes.AsSpan(at, length);

    public int Int32(int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));

    public int UInt16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));

    public int Int64(int at) => checked((int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at)));

    public int BigEndianInt32(int at) => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));

    public byte Byte(int at) => bytes[at];

    public string Name(int at)
    {
        ReadOnlySpan<byte> rest = bytes.AsSpan(at);
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
    }
}
