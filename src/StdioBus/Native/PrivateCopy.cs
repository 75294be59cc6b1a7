using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace StdioBus;

/// <summary>
/// An executable copy of a program that cannot be made executable where it lies, in a folder that is the user's alone. It
/// is called after what is in it, so that each version of the program has its own.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class PrivateCopy
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The folder of the user's copies; null for a user without a home.</summary>
    public static string? Folder
    {
        get
        {
            string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (cache is not null && Path.IsPathFullyQualified(cache))
                return Path.Combine(cache, "StdioBus");
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return home.Length == 0 ? null : Path.Combine(home, OperatingSystem.IsMacOS() ? "Library/Caches" : ".cache", "StdioBus");
        }
    }

    /// <summary>The copy of a program, made if it is not there or has been changed.</summary>
    /// <exception cref="BusUnavailableException">It cannot be made; the message says what was tried.</exception>
    public static string Of(string program, string folder)
    {
        try
        {
            byte[] content = File.ReadAllBytes(program);
            byte[] hash = SHA256.HashData(content);
            string copies = Path.Combine(folder, Convert.ToHexString(hash.AsSpan(0, 16)).ToLowerInvariant());
            Directory.CreateDirectory(copies, OwnerOnly);

            // Only an owner can do this, so nobody else's folder is trusted.
            File.SetUnixFileMode(folder, OwnerOnly);
            File.SetUnixFileMode(copies, OwnerOnly);
            string copy = Path.Combine(copies, Path.GetFileName(program));
            if (!File.Exists(copy) || !SHA256.HashData(File.ReadAllBytes(copy)).AsSpan().SequenceEqual(hash))
                Write(content, copy);
            File.SetUnixFileMode(copy, OwnerOnly);
            return copy;
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new BusUnavailableException($"The daemon '{program}' is not executable and cannot be made so, nor can a copy be made in '{folder}': {error.Message} 'chmod a+x' on the daemon, by its owner, helps.", error);
        }
    }

    // Under another name first: several processes may do this at once, and none may run half of it.
    private static void Write(byte[] content, string copy)
    {
        string draft = $"{copy}.{Guid.NewGuid():n}";
        try
        {
            using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
                file.Write(content);
            File.Move(draft, copy, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }
}
