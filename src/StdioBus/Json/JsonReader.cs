namespace StdioBus;

/// <summary>
/// Turns a JSON value into the consumer's kind of object, in one pass over the bytes. Called on the consumer's
/// side, never on a bus's loop thread.
/// </summary>
/// <param name="utf8Json">The value's text; valid during the call only.</param>
public delegate object? JsonReader(ReadOnlySpan<byte> utf8Json);
