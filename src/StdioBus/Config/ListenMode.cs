namespace StdioBus;

/// <summary>Where a bus listens for socket clients.</summary>
public enum ListenMode
{
    /// <summary>Nowhere.</summary>
    None = 0,

    /// <summary>On a TCP address.</summary>
    Tcp = 1,

    /// <summary>On a Unix domain socket.</summary>
    Unix = 2,
}
