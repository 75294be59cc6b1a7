namespace StdioBus;

/// <summary>What the protocol layer knows of a pool while its bus runs.</summary>
internal sealed class PoolInfo(BusPool pool, int index, int firstWorker)
{
    private volatile Dialect _dialect = pool.Dialect;

    public string Id { get; } = pool.Id;

    public int Index { get; } = index;

    /// <summary>The number of its first worker; workers are numbered over all pools.</summary>
    public int FirstWorker { get; } = firstWorker;

    public int Instances { get; } = pool.Instances;

    /// <summary>The worker that every request of the pool goes to; -1 when there are several.</summary>
    public int OnlyWorker => Instances == 1 ? FirstWorker : -1;

    public EnvelopeKind Envelope { get; } = pool.Envelope;

    public string DefaultMethod { get; } = pool.DefaultMethod ?? pool.Id;

    /// <summary>How its workers are told of cancellations; <see cref="StdioBus.Dialect.Auto"/> until it is known.</summary>
    public Dialect Dialect => _dialect;

    /// <summary>Draws its conclusion from an <c>initialize</c>.</summary>
    public void OnInitialize(bool hasTextVersion, bool hasNumberVersion)
    {
        if (pool.Dialect != Dialect.Auto)
            return;
        if (hasTextVersion)
            _dialect = Dialect.Mcp;
        else if (hasNumberVersion)
            _dialect = Dialect.Acp;
    }
}
