using System.Collections;
using System.Management.Automation;
using StdioBus.Module.Json;

namespace StdioBus.Module.Pipeline;

/// <summary>Takes the params of <c>initialize</c> as a hashtable, an object or JSON text.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class InitializeParamsAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Array.ConvertAll(Read(inputData), message => (object)message);

    /// <summary>The messages of the handshake.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">They are no JSON object.</exception>
    public static RawJson[] Read(object? value)
    {
        try
        {
            return [.. BusHandshake.Initialize(new RawJson(RequestParams.From(value) ?? "null"u8.ToArray()))];
        }
        catch (Exception error) when (error is JsonConversionException or BusInvalidArgumentException)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }
}

/// <summary>Takes the messages of a handshake as hashtables, objects or JSON text.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class HandshakeMessagesAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => Array.ConvertAll(Read(inputData), message => (object)message);

    /// <summary>The messages.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">One of them is none.</exception>
    public static RawJson[] Read(object? value)
    {
        RawJson[] messages = [.. Items(value is PSObject wrapped ? wrapped.BaseObject : value).Select(Message)];
        var problems = new List<ConfigProblem>();
        HandshakeChecker.Check(messages, "Handshake", problems);
        return problems.Find(problem => !problem.IsWarning) is { } problem
            ? throw new ArgumentTransformationMetadataException($"{problem}.")
            : messages;
    }

    private static IEnumerable<object?> Items(object? value) => value switch
    {
        IList several => several.Cast<object?>(),
        _ => [value],
    };

    private static RawJson Message(object? value)
    {
        try
        {
            return new RawJson(value is PSObject { BaseObject: string text } ? JsonOneLine.FromText(text)
                : value is string plain ? JsonOneLine.FromText(plain)
                : PowerShellJsonWriter.Write(value));
        }
        catch (JsonConversionException error)
        {
            throw new ArgumentTransformationMetadataException($"A message of a handshake: {error.Message}", error);
        }
    }
}
