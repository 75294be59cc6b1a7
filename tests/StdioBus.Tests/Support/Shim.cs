namespace StdioBus.Tests.Support;

/// <summary>Programs that start another and wait for it, as <c>npx</c> and <c>npx.cmd</c> do.</summary>
internal static class Shim
{
    /// <summary>Writes one; gives its path.</summary>
    public static string Write(string folder, string name, string program)
    {
        if (OperatingSystem.IsWindows())
        {
            string batch = Path.Combine(folder, name + ".cmd");
            File.WriteAllText(batch, $"@\"{program}\" %*\r\n");
            return batch;
        }

        string script = Path.Combine(folder, name);
        File.WriteAllText(script, $"#!/bin/sh\n'{program}' \"$@\"\nexit $?\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return script;
    }
}
