using System.Text.Json;

namespace StdioBus;

/// <summary>
/// What a bus answers workers by itself, where it was told to and no handler does: MCP's <c>roots/list</c>, and ACP's
/// <c>session/request_permission</c> with a rejection. No user code is involved: these answer on the backend's thread.
/// </summary>
internal sealed class BuiltInAnswers(IReadOnlyList<BusRoot>? roots, bool rejectPermissions)
{
    /// <summary>ACP's question of an agent for permission.</summary>
    public const string PermissionMethod = "session/request_permission";

    private readonly byte[]? _roots = roots is null ? null : WriteRoots(roots);

    /// <summary>The result of a question for permission whose prompt was given up.</summary>
    public static ReadOnlySpan<byte> PermissionCancelled => "{\"outcome\":{\"outcome\":\"cancelled\"}}"u8;

    /// <summary>Writes the result that answers a request; false when it is not one of these.</summary>
    public bool TryWrite(ByteBuffer into, string method, ReadOnlySpan<byte> parameters)
    {
        if (_roots is not null && method == "roots/list")
        {
            into.Write(_roots);
            return true;
        }

        if (rejectPermissions && method == PermissionMethod)
        {
            WriteRejection(into, parameters);
            return true;
        }

        return false;
    }

    private static byte[] WriteRoots(IReadOnlyList<BusRoot> roots)
    {
        var text = new ByteBuffer();
        text.Write("{\"roots\":["u8);
        for (int i = 0; i < roots.Count; i++)
        {
            text.Write(i == 0 ? "{\"uri\":"u8 : ",{\"uri\":"u8);
            JsonStrings.Write(text, roots[i].Uri);
            if (roots[i].Name is { } name)
            {
                text.Write(",\"name\":"u8);
                JsonStrings.Write(text, name);
            }

            text.WriteByte((byte)'}');
        }

        text.Write("]}"u8);
        byte[] written = text.Written.ToArray();
        text.Release();
        return written;
    }

    // The option that rejects this once, else the one that always does, else none: then the question is called off.
    private static void WriteRejection(ByteBuffer into, ReadOnlySpan<byte> parameters)
    {
        if (Rejection(parameters) is not { } option)
        {
            into.Write(PermissionCancelled);
            return;
        }

        into.Write("{\"outcome\":{\"outcome\":\"selected\",\"optionId\":"u8);
        JsonStrings.Write(into, option);
        into.Write("}}"u8);
    }

    private static string? Rejection(ReadOnlySpan<byte> parameters)
    {
        try
        {
            if (parameters.IsEmpty
                || JsonElements.Parse(parameters) is not { ValueKind: JsonValueKind.Object } element
                || !element.TryGetProperty("options", out JsonElement options)
                || options.ValueKind != JsonValueKind.Array)
                return null;
            string? always = null;
            foreach (JsonElement option in options.EnumerateArray())
            {
                string? id = Text(option, "optionId");
                string? kind = Text(option, "kind");
                if (id is not null && kind == "reject_once")
                    return id;
                if (kind == "reject_always")
                    always ??= id;
            }

            return always;
        }
        catch (JsonException)
        {
            // Deeper than anything that has options.
            return null;
        }
    }

    private static string? Text(JsonElement element, string member) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
