namespace StdioBus.Tests.Support;

/// <summary>Tests that count what this process holds, so that no other test may run beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
