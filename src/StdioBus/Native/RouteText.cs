using System.Text;

namespace StdioBus;

/// <summary>A loop's scratch room for a text that the kernel reads during a call, in UTF-8 and NUL-terminated.</summary>
internal sealed class RouteText
{
    private byte[] _room = new byte[64];

    /// <summary>Puts a text there; null stays null.</summary>
    public byte[]? Put(string? text)
    {
        if (text is null)
            return null;
        int most = Encoding.UTF8.GetMaxByteCount(text.Length) + 1;
        if (_room.Length < most)
            _room = new byte[most];
        int length = Encoding.UTF8.GetBytes(text, _room);
        _room[length] = 0;
        return _room;
    }
}
