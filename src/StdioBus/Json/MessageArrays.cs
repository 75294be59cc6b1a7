using System.Buffers;

namespace StdioBus;

/// <summary>
/// Arrays for messages on their way between threads. The runtime's shared pool keeps few of one size for each CPU; a burst
/// of small requests needs many at once, so those have a pool of their own, of half a megabyte at most.
/// </summary>
internal static class MessageArrays
{
    private const int SmallBytes = 1024;
    private const int SmallOfEachSize = 256;
    private static readonly ArrayPool<byte> Small = ArrayPool<byte>.Create(SmallBytes, SmallOfEachSize);

    /// <summary>An array with at least so much room.</summary>
    public static byte[] Rent(int length) => PoolFor(length).Rent(length);

    /// <summary>Gives an array back; once, by whoever has it last.</summary>
    public static void Return(byte[] array) => PoolFor(array.Length).Return(array);

    private static ArrayPool<byte> PoolFor(int length) => length <= SmallBytes ? Small : ArrayPool<byte>.Shared;
}
