namespace StdioBus;

/// <summary>The image that a container is made from.</summary>
internal static class ContainerImage
{
    /// <summary>Sees to it that the image is there, by the policy.</summary>
    /// <exception cref="BusUnavailableException">It is not there, or the engine does not answer.</exception>
    public static async Task EnsureAsync(ContainerEngine engine, string image, PullPolicy policy, CancellationToken cancellationToken)
    {
        if (policy != PullPolicy.Always)
        {
            EngineAnswer known = await engine.RunAsync(["image", "inspect", "--format", "{{.Id}}", image], cancellationToken).ConfigureAwait(false);
            if (known.ExitCode == 0)
                return;
            await RequireAnswerAsync(engine, cancellationToken).ConfigureAwait(false);
            if (policy == PullPolicy.Never)
                throw new BusUnavailableException($"The image '{image}' is not there, and {nameof(DockerOptions.PullPolicy)} is {policy}: {known.Complaint}");
        }

        EngineAnswer pulled = await engine.RunAsync(["pull", "--quiet", image], cancellationToken).ConfigureAwait(false);
        if (pulled.ExitCode == 0)
            return;
        await RequireAnswerAsync(engine, cancellationToken).ConfigureAwait(false);
        throw new BusUnavailableException($"The image '{image}' cannot be pulled: {pulled.Complaint}");
    }

    // Of what failed the reason may be that nothing serves the program's commands.
    private static async Task RequireAnswerAsync(ContainerEngine engine, CancellationToken cancellationToken)
    {
        EngineAnswer answer = await engine.RunAsync(["version"], cancellationToken).ConfigureAwait(false);
        if (answer.ExitCode != 0)
            throw new BusUnavailableException($"The container engine '{engine.Program}' does not answer: {answer.Complaint}");
    }
}
