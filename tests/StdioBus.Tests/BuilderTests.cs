using StdioBus.Tests.Support;

namespace StdioBus.Tests;

/// <summary>The builder, the options it stands for, and the list of open buses.</summary>
public sealed class BuilderTests
{
    [Fact(DisplayName = "A10: every setter chains, the last wins, nothing is checked before a build, and it builds again")]
    public void Setters_chain_and_the_last_wins()
    {
        var builder = new StdioBusBuilder();
        StdioBusBuilder same = builder
            .Config(new BusConfig()).Config(null).ConfigPath("/nowhere").ConfigPath(null)
            .Pool("a", "").Pool("b", "two", ["x"], 2).Pool("a", "one")
            .Limits(new BusLimits { MaxRestarts = -1 }).Limits(new BusLimits { MaxRestarts = 3 })
            .Backend(BackendKind.Docker).Backend(BackendKind.Native)
            .Timeout(TimeSpan.FromSeconds(-5)).Timeout(TimeSpan.FromSeconds(15))
            .Native(new NativeOptions { TcpPort = -1 }).NativeOptions(new NativeOptions { ListenMode = ListenMode.Tcp, TcpPort = 0 });
        Assert.Same(builder, same);
        for (int i = 0; i < 2; i++)
        {
            using Bus bus = builder.Build();
            Assert.Equal([("a", "one", 1), ("b", "two", 2)], bus.Pools.Select(pool => (pool.Id, pool.Command, pool.Instances)));
            Assert.Equal((TimeSpan.FromSeconds(15), BackendKind.Native, ListenMode.Tcp, BusState.Created), (bus.Timeout, bus.BackendKind, bus.ListenMode, bus.State));
            using BlockingBus blocking = builder.BuildSync();
            Assert.Equal((bus.Timeout, bus.ListenMode, bus.Pools.Count), (blocking.Timeout, blocking.ListenMode, blocking.Pools.Count));
        }
    }

    [Fact(DisplayName = "A10: a minimal build equals a bus made from the same options, and so do its errors")]
    public void A_build_equals_a_bus_made_directly()
    {
        using Bus built = new StdioBusBuilder().Pool("p", "c").Build();
        using var made = new Bus(new BusOptions { Config = new BusConfig(new BusPool("p", "c")) });
        Assert.Equal((made.Timeout, made.BackendKind, made.ListenMode, made.State), (built.Timeout, built.BackendKind, built.ListenMode, built.State));
        string direct = Assert.Throws<BusInvalidArgumentException>(() => new Bus(new BusOptions())).Message;
        Assert.Equal(direct, Assert.Throws<BusInvalidArgumentException>(() => new StdioBusBuilder().Build()).Message);
        Assert.Equal(direct, Assert.Throws<BusInvalidArgumentException>(() => new StdioBusBuilder().BuildSync()).Message);
    }

    [Fact(DisplayName = "A10: a full build equals a bus made directly: there is a setter for every option")]
    public void A_full_build_equals_a_bus_made_directly()
    {
        var wanted = new BusOptions
        {
            Config = new BusConfig(new BusPool("p", "c")),
            ConfigPath = "/x",
            Limits = new BusLimits(),
            Backend = BackendKind.Docker,
            Timeout = TimeSpan.FromSeconds(1.5),
            IdleTimeout = TimeSpan.FromSeconds(2),
            Native = new NativeOptions(),
            Subprocess = new SubprocessOptions(),
            Docker = new DockerOptions(),
            Socket = new SocketOptions(),
            Name = "n",
            SingleStream = true,
            StreamOverflowBytes = 5,
            StreamQueue = 6,
            Roots = [new BusRoot("file:///x")],
            RejectPermissions = true,
            Retry = new RetryOptions(),
            PropagateTraceContext = true,
            TracePath = "trace",
            TraceRedactedKeys = ["key"],
        };
        BusOptions built = new StdioBusBuilder()
            .Config(wanted.Config).ConfigPath("/x").Limits(wanted.Limits).Backend(BackendKind.Docker).Timeout(1.5).IdleTimeout(TimeSpan.FromSeconds(2))
            .Native(wanted.Native).Subprocess(wanted.Subprocess).Docker(wanted.Docker).Socket(wanted.Socket).Name("n")
            .SingleStream().StreamOverflowBytes(5).StreamQueue(6).Roots([.. wanted.Roots]).RejectPermissions().Retry(wanted.Retry)
            .PropagateTraceContext().TracePath("trace").TraceRedactedKeys(wanted.TraceRedactedKeys)
            .ToOptions();
        var usual = new BusOptions();
        foreach (System.Reflection.PropertyInfo option in typeof(BusOptions).GetProperties().Where(option => option.CanWrite))
        {
            Assert.NotEqual(option.GetValue(usual), option.GetValue(wanted));
            Assert.Equal(option.GetValue(wanted), option.GetValue(built));
        }
    }

    [Theory(DisplayName = "A10: a time in the builder is a TimeSpan or a number of seconds; what is no time is a build's to refuse")]
    [InlineData(30, 30.0)]
    [InlineData(0.5, 0.5)]
    [InlineData(0, null)]
    [InlineData(double.PositiveInfinity, null)]
    [InlineData(1e300, null)]
    [InlineData(-1, -1.0)]
    [InlineData(double.NaN, -1.0)]
    public void A_time_is_a_number_of_seconds(double seconds, double? expected)
    {
        StdioBusBuilder builder = new StdioBusBuilder().Pool("p", "c").Timeout(seconds).IdleTimeout(seconds);
        if (expected < 0)
        {
            Assert.StartsWith("Timeout:", Assert.Throws<BusInvalidArgumentException>(() => builder.Build()).Message, StringComparison.Ordinal);
            return;
        }

        using Bus bus = builder.Build();
        Assert.Equal(expected, bus.Timeout?.TotalSeconds);
    }

    [Fact(DisplayName = "A2: the defaults of the backends that are no native one")]
    public void Backends_have_their_defaults()
    {
        var docker = new DockerOptions();
        Assert.Equal((null, PullPolicy.IfMissing, null, TimeSpan.FromSeconds(15), "stdiobus"), (docker.Image, docker.PullPolicy, docker.EnginePath, docker.StartupTimeout, docker.ContainerNamePrefix));
        Assert.Empty(docker.ExtraArgs);
        Assert.Empty(docker.Environment);
        Assert.Equal((null, 200), (new SubprocessOptions().BinaryPath, new SubprocessOptions().StderrBufferLines));
        Assert.Equal((null, null, null, null, false), (new SocketOptions().Host, new SocketOptions().Port, new SocketOptions().UnixPath, new SocketOptions().AccessToken, new SocketOptions().Reconnect));
        Assert.Equal([0, 1, 2], Enum.GetValues<PullPolicy>().Select(policy => (int)policy));
        Assert.Equal("self", new Identity().AssertedBy);
    }

    [Theory(DisplayName = "A25: options out of their range are refused by name")]
    [MemberData(nameof(BadOptions))]
    public void Options_out_of_range_are_refused(string named, Action<BusOptions> spoil)
    {
        ArgumentNullException.ThrowIfNull(spoil);
        var options = new BusOptions { Config = new BusConfig(new BusPool("p", "c")), Native = new NativeOptions() };
        spoil(options);
        Assert.StartsWith(named + ":", Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, Action<BusOptions>> BadOptions => new()
    {
        { "TcpPort", o => o.Native!.ListenMode = ListenMode.Tcp },
        { "TcpPort", o => (o.Native!.ListenMode, o.Native.TcpPort) = (ListenMode.Tcp, 65536) },
        { "UnixPath", o => o.Native!.ListenMode = ListenMode.Unix },
        { "UnixPath", o => (o.Native!.ListenMode, o.Native.TcpPort, o.Native.UnixPath) = (ListenMode.Tcp, 1, "/x") },
        { "ListenMode", o => o.Native!.TcpPort = 5 },
        { "ListenMode", o => o.Native!.ListenMode = (ListenMode)7 },
        { "TcpHost", o => (o.Native!.ListenMode, o.Native.TcpPort, o.Native.TcpHost) = (ListenMode.Tcp, 0, "") },
        { "TcpHost", o => (o.Native!.ListenMode, o.Native.UnixPath, o.Native.TcpHost) = (ListenMode.Unix, "/x", "localhost") },
        { "AccessToken", o => o.Native!.AccessToken = "t" },
        { "AccessToken", o => (o.Native!.ListenMode, o.Native.UnixPath, o.Native.AccessToken) = (ListenMode.Unix, "/x", "t") },
        { "AccessToken", o => (o.Native!.ListenMode, o.Native.TcpPort, o.Native.AccessToken) = (ListenMode.Tcp, 0, "") },
        { "AccessToken", o => (o.Native!.ListenMode, o.Native.TcpPort, o.Native.AccessToken) = (ListenMode.Tcp, 0, new string('ö', 513)) },
        { "AccessToken", o => (o.Native!.ListenMode, o.Native.TcpPort, o.Native.AccessToken) = (ListenMode.Tcp, 0, "a\0b") },
        { "AccessToken", o => (o.Native!.ListenMode, o.Native.TcpPort, o.Native.AccessToken) = (ListenMode.Tcp, 0, "\ud83d") },
        { "AllowRemote", o => o.Native!.AllowRemote = true },
        { "PollInterval", o => o.Native!.PollInterval = TimeSpan.FromMicroseconds(10) },
        { "LibraryPath", o => o.Native!.LibraryPath = "libstdio_bus.so" },
        { "Backend", o => o.Backend = (BackendKind)9 },
        { "Backend", o => (o.Backend, o.Native!.ListenMode, o.Native.TcpPort) = (BackendKind.Docker, ListenMode.Tcp, 0) },
        { "Timeout", o => o.Timeout = TimeSpan.FromSeconds(-5) },
        { "IdleTimeout", o => o.IdleTimeout = TimeSpan.FromSeconds(-5) },
        { "RetryOptions.Count", o => o.Retry = new RetryOptions { Count = -1 } },
        { "RetryOptions.Delay", o => o.Retry = new RetryOptions { Delay = TimeSpan.FromSeconds(-1) } },
        { "RetryOptions.MaxDelay", o => o.Retry = new RetryOptions { MaxDelay = TimeSpan.MaxValue } },
        { "RetryOptions.Jitter", o => o.Retry = new RetryOptions { Jitter = double.NaN } },
        { "Name", o => o.Name = " " },
        { "StreamQueue", o => o.StreamQueue = 0 },
        { "StreamOverflowBytes", o => o.StreamOverflowBytes = 0 },
    };

    [Fact(DisplayName = "A library that is missing is named")]
    public void A_missing_library_is_named()
    {
        string nowhere = Path.GetFullPath("/nowhere/libstdio_bus.so");
        var options = new BusOptions { Config = new BusConfig(new BusPool("p", "c")), Native = new NativeOptions { LibraryPath = nowhere } };
        Assert.Contains(nowhere, Assert.Throws<BusUnavailableException>(() => new Bus(options)).Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Limits given beside the configuration win, one by one; later changes have no effect")]
    public void Limits_beside_the_configuration_win()
    {
        var config = new BusConfig(new BusPool("p", "c")) { Limits = new BusLimits { MaxRestarts = 1, MaxClients = 2 } };
        (BusOptions _, BusConfig merged) = BusOptionsReader.Read(new BusOptions { Config = config, Limits = new BusLimits { MaxRestarts = 9 } });
        config.Pools[0].Command = "changed";
        Assert.Equal((9, 2, "c"), (merged.Limits!.MaxRestarts, merged.Limits.MaxClients, merged.Pools[0].Command));
    }

    [Fact(DisplayName = "A bus is listed from its making to its disposal, under a name of its own")]
    public async Task A_bus_is_listed_until_disposed()
    {
        string name = Guid.NewGuid().ToString("N");
        BusOptions options = TestWorkers.Options(TestWorkers.Pool());
        options.Name = name;
        var bus = new Bus(options);
        Assert.Same(bus, BusRegistry.Find(name.ToUpperInvariant()));
        Assert.Contains(name, Assert.Throws<BusInvalidArgumentException>(() => new Bus(options)).Message, StringComparison.Ordinal);
        using (var unnamed = new Bus(TestWorkers.Options(TestWorkers.Pool())))
            Assert.Matches("^bus[0-9]+$", unnamed.Name);
        await bus.DisposeAsync();
        Assert.Null(BusRegistry.Find(name));
        await bus.DisposeAsync();
    }

    [Fact(DisplayName = "The blocking bus does what the bus does")]
    public void The_blocking_bus_does_the_same()
    {
        using BlockingBus bus = new StdioBusBuilder().Pool(TestWorkers.Pool()).BuildSync();
        bus.Start();
        using BusSubscription subscription = bus.Subscribe(new() { Method = "tick" });
        Assert.Equal(1, bus.Request("echo", new { a = 1 }).GetProperty("a").GetInt32());
        Assert.Equal("[1]", bus.RequestRaw("echo", new RawJson("[1]")).ToString());
        Assert.Equal("made", bus.RequestObject("echo", null, new() { Reader = _ => "made" }));
        Assert.Equal(["chunk1 ", "chunk2 ", null], bus.Stream("stream", new { count = 2 }).Select(e => e.Text));
        bus.Notify("flood", new { method = "tick", count = 3 });
        Assert.Equal(["tick", "tick", "tick"], BlockingBus.Read(subscription).Take(3).Select(n => n.Method));
        bus.Send(new RawJson("""{"jsonrpc":"2.0","method":"none"}"""));
        Assert.Equal(("none", 1), (System.Text.Json.JsonDocument.Parse(bus.Request("seen")[1].GetString()!).RootElement.GetProperty("method").GetString(), bus.GetWorkers().Count));
        bus.Stop();
        Assert.Equal((BusState.Stopped, 0, 0), (bus.State, bus.WorkerCount, bus.PendingCount));
        Assert.Equal($"{bus.Name} (Stopped)", bus.ToString());
    }

    [Fact(DisplayName = "The blocking bus has what the bus has, under the same names without Async")]
    public void The_blocking_bus_has_what_the_bus_has()
    {
        IEnumerable<string> wanted = Names(typeof(Bus)).Select(name => name.EndsWith("Async", StringComparison.Ordinal) ? name[..^5] : name).Distinct();

        // StreamRequest is Stream there; Stopped is heard on its Bus.
        Assert.Equal(["Stopped", "StreamRequest"], wanted.Except(Names(typeof(BlockingBus))).Order());

        static HashSet<string> Names(Type type) => [.. type
            .GetMembers(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Instance)
            .Where(member => member is not System.Reflection.ConstructorInfo && member is not System.Reflection.MethodInfo { IsSpecialName: true })
            .Select(member => member.Name)];
    }
}
