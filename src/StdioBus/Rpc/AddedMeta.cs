using System.Diagnostics;

namespace StdioBus;

/// <summary>Members that the bus puts into a request's <c>params._meta</c>.</summary>
/// <param name="Token">Whether the request's id is also its <c>progressToken</c>.</param>
/// <param name="TraceParent"><c>traceparent</c>, as W3C defines it; null for none.</param>
/// <param name="TraceState"><c>tracestate</c>, as W3C defines it; null for none.</param>
internal readonly record struct AddedMeta(bool Token, string? TraceParent = null, string? TraceState = null)
{
    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => !Token && TraceParent is null;

    /// <summary>The same, with the context of a trace; that has no form where its ids are not those of W3C.</summary>
    public AddedMeta WithTrace(Activity? span) => span is { IdFormat: ActivityIdFormat.W3C }
        ? new(Token, span.Id, string.IsNullOrEmpty(span.TraceStateString) ? null : span.TraceStateString)
        : this;

    /// <summary>Writes the members, without braces.</summary>
    public void Write(ByteBuffer into, CallIds ids, long id)
    {
        if (Token)
        {
            into.Write("\"progressToken\":"u8);
            ids.Write(into, id);
        }

        if (TraceParent is null)
            return;
        into.Write(Token ? ",\"traceparent\":"u8 : "\"traceparent\":"u8);
        JsonStrings.Write(into, TraceParent);
        if (TraceState is null)
            return;
        into.Write(",\"tracestate\":"u8);
        JsonStrings.Write(into, TraceState);
    }
}
