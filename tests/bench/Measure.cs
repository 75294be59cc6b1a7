namespace StdioBus.Bench;

/// <summary>Rounds in which every contestant runs once, and the medians of what they show.</summary>
internal static class Measure
{
    private const int Rounds = 9;

    /// <summary>The medians of each contestant's figures over the rounds.</summary>
    /// <param name="contestants">Each runs once a round.</param>
    /// <param name="warmUps">How many rounds come first and do not count.</param>
    public static async Task<double[][]> MediansAsync(IReadOnlyList<Func<Task<double[]>>> contestants, int warmUps = 1)
    {
        var rounds = contestants.Select(_ => new List<double[]>()).ToArray();
        for (int round = -warmUps; round < Rounds; round++)
        {
            for (int i = 0; i < contestants.Count; i++)
            {
                double[] figures = await contestants[i]();
                if (round >= 0) rounds[i].Add(figures);
            }
        }

        return [.. rounds.Select(of => Enumerable.Range(0, of[0].Length).Select(figure => Median([.. of.Select(round => round[figure])])).ToArray())];
    }

    /// <summary>The same for contestants that show one figure each.</summary>
    public static async Task<double[]> MediansAsync(IReadOnlyList<Func<Task<double>>> contestants, int warmUps = 1)
    {
        double[][] medians = await MediansAsync([.. contestants.Select(one => (Func<Task<double[]>>)(async () => [await one()]))], warmUps);
        return [.. medians.Select(figures => figures[0])];
    }

    public static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
