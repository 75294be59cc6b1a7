namespace StdioBus.Shell.Tests;

/// <summary>Tests that load the machine, so that no other test runs beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
