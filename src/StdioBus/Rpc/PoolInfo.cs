namespace StdioBus;

/// <summary>What the protocol layer knows of a pool while its bus runs.</summary>
internal sealed class PoolInfo
{
    private readonly bool _isAuto;
    private readonly bool[] _greeted;
    private volatile Dialect _dialect;

    public PoolInfo(BusPool pool, int index, int firstWorker)
    {
        Id = pool.Id;
        Index = index;
        FirstWorker = firstWorker;
        Instances = pool.Instances;
        Envelope = pool.Envelope;
        DefaultMethod = pool.DefaultMethod ?? pool.Id;
        _dialect = pool.Dialect;
        _greeted = new bool[pool.Instances];
        _isAuto = pool.Dialect == Dialect.Auto;

        // What the kernel sends does not come by here.
        foreach (RawJson message in pool.Handshake)
            if (BusHandshake.FactsOfInitialize(message) is { } facts)
                OnInitialize(facts.HasTextVersion, facts.HasNumberVersion);
    }

    public string Id { get; }

    public int Index { get; }

    /// <summary>The number of its first worker; workers are numbered over all pools.</summary>
    public int FirstWorker { get; }

    public int Instances { get; }

    /// <summary>The worker that every request of the pool goes to; -1 when there are several.</summary>
    public int OnlyWorker => Instances == 1 ? FirstWorker : -1;

    public EnvelopeKind Envelope { get; }

    public string DefaultMethod { get; }

    /// <summary>How its workers are told of cancellations; <see cref="StdioBus.Dialect.Auto"/> until it is known.</summary>
    public Dialect Dialect => _dialect;

    /// <summary>A worker's process has begun or ended to be greeted.</summary>
    public void SetGreeted(int workerId, bool isGreeted) => Volatile.Write(ref _greeted[workerId - FirstWorker], isGreeted);

    /// <summary>Whether a worker, with -1 one of the pool, is being greeted: it gets nothing else until it has answered.</summary>
    public bool IsGreeted(int workerId) =>
        workerId < 0 ? Array.IndexOf(_greeted, true) >= 0 : (uint)(workerId - FirstWorker) < (uint)_greeted.Length && Volatile.Read(ref _greeted[workerId - FirstWorker]);

    /// <summary>Draws its conclusion from an <c>initialize</c>.</summary>
    public void OnInitialize(bool hasTextVersion, bool hasNumberVersion)
    {
        if (!_isAuto)
            return;
        if (hasTextVersion)
            _dialect = Dialect.Mcp;
        else if (hasNumberVersion)
            _dialect = Dialect.Acp;
    }
}
