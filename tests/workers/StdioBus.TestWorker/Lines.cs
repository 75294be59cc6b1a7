using System.Text;

namespace StdioBus.TestWorker;

/// <summary>Lines on stdin and stdout, as bytes.</summary>
internal static class Lines
{
    private static readonly Stream Input = Console.OpenStandardInput();
    private static readonly Stream Output = Console.OpenStandardOutput();
    private static byte[] s_buffer = new byte[128 * 1024];
    private static int s_start;
    private static int s_end;

    /// <summary>The next line without its newline; null at the end. Valid until the next call.</summary>
    public static ReadOnlyMemory<byte>? Read()
    {
        int scanned = s_start;
        while (true)
        {
            int newline = s_buffer.AsSpan(scanned, s_end - scanned).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                var line = new ReadOnlyMemory<byte>(s_buffer, s_start, scanned + newline - s_start);
                s_start = scanned + newline + 1;
                return line;
            }

            if (s_start > 0)
            {
                s_buffer.AsSpan(s_start, s_end - s_start).CopyTo(s_buffer);
                s_end -= s_start;
                s_start = 0;
            }

            if (s_end == s_buffer.Length)
                Array.Resize(ref s_buffer, s_buffer.Length * 2);
            scanned = s_end;
            int read = Input.Read(s_buffer, s_end, s_buffer.Length - s_end);
            if (read == 0)
                return null;
            s_end += read;
        }
    }

    /// <summary>Whether another line is there already, so that output may wait.</summary>
    public static bool HasMore => s_buffer.AsSpan(s_start, s_end - s_start).Contains((byte)'\n');

    /// <summary>Writes bytes as they are.</summary>
    public static void Write(ReadOnlySpan<byte> bytes)
    {
        lock (Output)
        {
            Output.Write(bytes);
            Output.Flush();
        }
    }

    /// <summary>Writes text as it is.</summary>
    public static void Write(string text) => Write(Encoding.UTF8.GetBytes(text));
}
