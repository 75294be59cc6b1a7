namespace StdioBus.Module.Json;

/// <summary>A value that cannot become JSON, or JSON that cannot become PowerShell objects.</summary>
/// <param name="message">The whole message: what, where (a path such as <c>$.tools[3].name</c>) and what was expected.</param>
/// <param name="inner">What a property getter threw, when that is the reason.</param>
internal sealed class JsonConversionException(string message, Exception? inner = null) : FormatException(message, inner);
