namespace StdioBus;

/// <summary>Which workers will not run again. Changed on the backend's thread only.</summary>
internal sealed class WorkerBoard(IReadOnlyList<PoolInfo> pools)
{
    private readonly bool[] _lost = new bool[pools.Sum(pool => pool.Instances)];

    /// <summary>How many workers there are.</summary>
    public int Count => _lost.Length;

    public void SetLost(int workerId, bool lost)
    {
        if ((uint)workerId < (uint)_lost.Length)
            _lost[workerId] = lost;
    }

    /// <summary>Whether no worker of a pool, or of any pool, will run again.</summary>
    public bool AreAllLost(string? poolId)
    {
        foreach (PoolInfo pool in pools)
            if ((poolId is null || pool.Id == poolId) && _lost.AsSpan(pool.FirstWorker, pool.Instances).Contains(false))
                return false;
        return true;
    }
}
