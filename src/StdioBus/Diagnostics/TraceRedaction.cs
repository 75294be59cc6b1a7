using System.Text.Json;

namespace StdioBus;

/// <summary>
/// Puts <c>"***"</c> in place of values that must not be written down, wherever they stand in a message. A value goes
/// when its member's name ends in one of the keys, and so does the <c>value</c> of an object whose <c>name</c> ends in
/// one, which is how headers and environment variables are passed. Only letters and digits of names count, not case.
/// </summary>
internal sealed class TraceRedaction(IEnumerable<string> keys)
{
    // It joins notifications to their request, and is no secret unless named in full.
    private static readonly string ProgressToken = Normalise("progressToken");
    private readonly string[] _keys = [.. keys.Select(Normalise).Distinct(StringComparer.Ordinal)];
    private readonly List<Level> _levels = [];
    private readonly List<(int Start, int End)> _secrets = [];

    private enum Member
    {
        Other,
        Name,
        Value,
    }

    /// <summary>Whether there is a letter or digit in a key, so that it can match.</summary>
    public static bool IsUsable(string? key) => key is not null && Normalise(key).Length > 0;

    /// <summary>Appends a message, redacted. False, with nothing appended, when it is no valid JSON.</summary>
    public bool Write(ByteBuffer into, ReadOnlySpan<byte> json)
    {
        _levels.Clear();
        _secrets.Clear();
        try
        {
            Find(json);
        }
        catch (JsonException)
        {
            return false;
        }

        // Of two that overlap one is inside the other, and begins later.
        _secrets.Sort(static (one, other) => one.Start.CompareTo(other.Start));
        int copied = 0;
        foreach ((int start, int end) in _secrets)
        {
            if (start < copied)
                continue;
            into.Write(json[copied..start]);
            into.Write("\"***\""u8);
            copied = end;
        }

        into.Write(json[copied..]);
        return true;
    }

    // Reads to the end, which also is the check.
    private void Find(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var member = Member.Other;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    string name = JsonStrings.DecodeInner(reader.ValueSpan);
                    if (IsSecret(name))
                        SkipSecret(ref reader);
                    else
                        member = name == "name" ? Member.Name : name == "value" ? Member.Value : Member.Other;
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    _levels.Add(new Level { Member = member, Start = (int)reader.TokenStartIndex });
                    member = Member.Other;
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    Level ended = _levels[^1];
                    _levels.RemoveAt(_levels.Count - 1);
                    if (ended is { HasSecretName: true, ValueEnd: > 0 })
                        _secrets.Add((ended.ValueStart, ended.ValueEnd));
                    OnValue(ended.Member, ended.Start, (int)reader.BytesConsumed);
                    break;
                default:
                    if (member == Member.Name && reader.TokenType == JsonTokenType.String && IsSecret(JsonStrings.DecodeInner(reader.ValueSpan)))
                        _levels[^1] = _levels[^1] with { HasSecretName = true };
                    OnValue(member, (int)reader.TokenStartIndex, (int)reader.BytesConsumed);
                    member = Member.Other;
                    break;
            }
        }
    }

    private void SkipSecret(ref Utf8JsonReader reader)
    {
        reader.Read();
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        _secrets.Add((start, (int)reader.BytesConsumed));
    }

    // Notes where the value of an object's "value" stands; of several all, with what is between them.
    private void OnValue(Member member, int start, int end)
    {
        if (member != Member.Value)
            return;
        Level level = _levels[^1];
        _levels[^1] = level with { ValueStart = level.ValueEnd > 0 ? level.ValueStart : start, ValueEnd = end };
    }

    private bool IsSecret(string name)
    {
        string plain = Normalise(name);
        foreach (string key in _keys)
            if (plain.EndsWith(key, StringComparison.Ordinal) && (plain != ProgressToken || key == ProgressToken))
                return true;
        return false;
    }

    private static string Normalise(string name) =>
        string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    // An object or array that is being read.
    private readonly record struct Level
    {
        // Which member of the object around it is this.
        public Member Member { get; init; }

        public int Start { get; init; }

        public bool HasSecretName { get; init; }

        public int ValueStart { get; init; }

        public int ValueEnd { get; init; }
    }
}
