using System.Management.Automation;
using StdioBus.Module.Tests.Engine;
using Xunit;

namespace StdioBus.Module.Tests.Commands;

public sealed class StreamTests : IDisposable
{
    private readonly TestHost _host = new();
    private readonly TestRunspace _runspace;
    private readonly TestRunspace _other = new();

    public StreamTests()
    {
        _runspace = new TestRunspace(_host);
        _runspace.Run("$bus = Start-Kit");
        _other.Runspace.SessionStateProxy.SetVariable("bus", _runspace.Runspace.SessionStateProxy.GetVariable("bus"));
    }

    public void Dispose()
    {
        _other.Dispose();
        _runspace.Dispose();
    }

    private void Step() => _other.Run("Send-BusNotification step -Bus $bus");

    [Fact]
    [Trait("Covers", "A15")]
    public void Each_chunk_is_on_the_pipeline_before_the_worker_writes_the_next()
    {
        using RunningScript script = _runspace.Start("Invoke-BusStream stream @{ chunks = 'one ', 'two ', 'three'; gate = $true; sessionId = 's' } | ForEach-Object { $_ }");
        foreach (string text in new[] { "one ", "two ", "three" })
        {
            var chunk = Assert.IsType<StreamEvent>(script.Next().BaseObject);
            Assert.Equal((StreamEventType.Chunk, text, "s", "kit"), (chunk.Type, chunk.Text, chunk.SessionId, chunk.Pool));
            Assert.Equal(text, chunk.Data);
            Assert.Null(chunk.Result);
            Assert.True(script.IsRunning);
            Step();
        }

        var last = Assert.IsType<StreamEvent>(Assert.Single(script.Finish()).BaseObject);
        Assert.Equal(StreamEventType.Result, last.Type);
        Assert.Null(last.Text);
        var result = Assert.IsType<PSObject>(last.Result);
        Assert.Equal(("end_turn", "one two three"), ((string)result.Properties["stopReason"].Value, (string)result.Properties["text"].Value));
    }

    [Fact]
    public void A_plain_request_gives_the_same_final_object()
    {
        Assert.Equal("ab", _runspace.RunOne("(Invoke-BusRequest stream @{ chunks = 'a', 'b' }).text"));
        Assert.Equal("ab", _runspace.RunOne("(Invoke-BusStream stream @{ chunks = 'a', 'b' } | Select-Object -First 3 | ForEach-Object { $_.Result.text }) -join ''"));
    }

    [Fact]
    public void Text_only_gives_strings_and_chunk_only_gives_chunks()
    {
        Assert.Equal(["a", "b"], _runspace.Run("Invoke-BusStream stream @{ chunks = 'a', 'b' } -TextOnly").Select(item => item.BaseObject));
        Assert.Equal("ChunkChunk", _runspace.RunOne("(Invoke-BusStream stream @{ chunks = 'a', 'b' } -ChunkOnly | ForEach-Object Type) -join ''"));
        Assert.Equal("""{"stopReason":"end_turn"}""", _runspace.Run("Invoke-BusStream stream @{ chunks = @() } -Raw")[^1].BaseObject);
        Assert.Equal("a", ((System.Collections.IDictionary)_runspace.RunOne("(Invoke-BusStream stream @{ chunks = @('a') } -AsHashtable)[1].Result")!)["text"]);
        Assert.Contains("AmbiguousParameterSet", _runspace.RunToError("Invoke-BusStream x -TextOnly -Show").FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Covers", "A36")]
    public void Half_an_emoji_in_each_of_two_chunks_joins_into_one()
    {
        string json = """'{"chunks":["\ud83d","\ude00"]}'""";
        Assert.Equal("😀", _runspace.RunOne($"(Invoke-BusStream stream {json} -TextOnly) -join ''"));
        Assert.Equal("😀", _runspace.RunOne($"(Invoke-BusRequest stream {json}).text"));
    }

    [Fact]
    public void Show_writes_chunks_to_the_host_as_they_come_and_only_the_result_to_the_pipeline()
    {
        using var shown = new System.Collections.Concurrent.BlockingCollection<string>();
        _host.OnWrite = shown.Add;
        using RunningScript script = _runspace.Start("Invoke-BusStream stream @{ chunks = 'Hello, ', 'world'; gate = $true } -Show");
        Assert.True(shown.TryTake(out string? first, TestRunspace.Deadline));
        Assert.Equal("Hello, ", first);
        Step();
        Assert.True(shown.TryTake(out string? second, TestRunspace.Deadline));
        Assert.Equal("world", second);
        Step();
        Assert.Equal(StreamEventType.Result, Assert.IsType<StreamEvent>(Assert.Single(script.Finish()).BaseObject).Type);
        Assert.Equal("Hello, world\n", _host.Shown);
    }

    [Fact]
    [Trait("Covers", "A18")]
    public void Several_inputs_stream_side_by_side_and_their_text_stays_apart()
    {
        using RunningScript script = _runspace.Start("1..8 | ForEach-Object { @{ sessionId = \"s$_\"; gate = $true; chunks = @(\"$_-a\", \"$_-b\") } } | Invoke-BusStream stream");
        PSObject[] first = Enumerable.Range(0, 8).Select(_ => script.Next()).ToArray();
        Assert.Equal(Enumerable.Range(1, 8).Select(n => $"{n}-a"), first.Select(item => ((StreamEvent)item.BaseObject).Text).Order());
        Step();
        Step();
        foreach (StreamEvent one in script.Finish().Select(item => (StreamEvent)item.BaseObject))
        {
            if (one.Type == StreamEventType.Chunk)
                Assert.Equal($"{one.SessionId![1..]}-b", one.Text);
            else
                Assert.Matches("^([1-8])-a\\1-b$", (string)((PSObject)one.Result!).Properties["text"].Value);
        }
    }

    [Fact]
    public void Ordered_streams_come_one_after_the_other()
    {
        Assert.Equal("1 1 R 2 2 R 3 3 R", _runspace.RunOne("""
            (1..3 | ForEach-Object { @{ sessionId = "s$_"; chunks = "$_", "$_" } } | Invoke-BusStream stream -Ordered |
                ForEach-Object { if ($_.Type -eq 'Result') { 'R' } else { $_.Text } }) -join ' '
            """));
    }

    [Fact]
    [Trait("Covers", "A17")]
    public void An_error_comes_after_the_chunks_that_were_delivered()
    {
        // The worker has answered once, so that its birth does not count as silence.
        _runspace.Run("$null = Invoke-BusRequest echo");
        using RunningScript script = _runspace.Start("Invoke-BusStream stream @{ chunks = 'kept', 'x'; gate = $true } -TextOnly -IdleTimeout 1");
        Assert.Equal("kept", script.Next().BaseObject);
        Assert.Empty(script.Finish());
        Assert.StartsWith("BusTimeout,", Assert.Single(script.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(0, _runspace.RunOne("$bus.PendingCount"));
    }

    [Fact]
    public void A_request_in_the_downstream_of_a_stream_on_the_same_worker_does_not_deadlock()
    {
        Assert.Equal(2000, _runspace.RunOne("""
            (Invoke-BusStream stream @{ sessionId = 's'; chunks = 1..2000 | ForEach-Object { "c$_" } } -TextOnly |
                ForEach-Object { Invoke-BusRequest echo @{ t = $_ } -Raw }).Count
            """));
    }
}
