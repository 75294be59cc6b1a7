// A worker for tests: reads JSON-RPC lines on stdin, writes lines on stdout, as bytes and fast.
//
//   StdioBus.TestWorker [MODE [VALUE]]
//
// Modes
//   echo            (default) answers the methods below; ends at the end of stdin
//   never-reads     reads nothing, until it is killed
//   says LINE       writes that line and reads its input to the end
//   garbage         writes a banner, a blank line and broken JSON before it serves like echo
//   slow-start MS   waits that long before it serves like echo
//   ignore-eof      serves like echo, then stays after the end of stdin; ends on SIGTERM
//   stubborn        the same, and ignores SIGTERM
//   asks METHOD     sends a request with the id 0 at once, then serves like echo
//   exits CODE      writes a line to stderr and exits at once
//   needs FILE      exits with 4 unless that file is there, else serves like echo
//   kit             the methods of ModeKit.cs, with which a test says what happens and when
//   host            no worker but a program with a bus: see ModeHost.cs
//   container ENGINE IMAGE NAME
//                   the same, with a bus that is in a container where neither library nor daemon are there
//
// Methods (requests; as a notification each does the same without answering)
//   echo            answers its params (null without)
//   wire            answers the line it was sent in, as a string
//   length          answers how many bytes that line had, without its newline
//   fill {bytes}    answers a string such that the answer's line has exactly that many bytes
//   pid             answers {"pid": …}
//   descendant      starts a process that ignores SIGTERM and lives for minutes, answers {"pid": …} of it
//   variables {names}
//                   answers their values; null for one that is not set
//   fail {…}        answers its params as the error
//   hold {key}      does not answer; the id is kept under the key
//   emit {lines}    writes the lines as they are, then answers null. "$(key)" in a line is the id of that held request
//   stream {count, text, sessionId?, size?}
//                   writes `count` ACP chunks, the text followed by the chunk's number, then answers {"chunks": count}
//   flood {method, count, size?}
//                   writes `count` notifications {"n": 1…, "pad": …}, then answers {"sent": count}
//   seen            answers the lines of all notifications so far, as strings
//   ask {method}    sends a request with the id "echo-1", and answers with the line that answered it, as a string
//   heard {count}   answers when that many answers to requests of its own have come, with their lines, as strings
//   sleep {ms}      answers null after that time; other messages are served meanwhile
//   stderr {lines}  writes the lines to stderr, then answers null
//   exit {code, stderr?}   writes to stderr what is given and exits without answering
//   kill {signal}   ends itself by that signal
// An unknown request is answered with -32601. `session/prompt` is `stream`; `session/cancel` ends a held `session/prompt`
// of that session (params.hold true) with {"stopReason": "cancelled"}; `initialize` answers {"protocolVersion": as asked};
// `stdio_bus/hello` agrees to the version, but for "none", and to the extensions, and gives the session "agent-session".

using StdioBus.TestWorker;

string mode = args.Length > 0 ? args[0] : "echo";
switch (mode)
{
    case "never-reads":
        Thread.Sleep(Timeout.Infinite);
        break;
    case "says":
        Console.WriteLine(args[1]);
        Console.In.ReadToEnd();
        return 0;
    case "garbage":
        Lines.Write("Welcome to the worker!\n\n{\"jsonrpc\":\n[1,2\n");
        break;
    case "slow-start":
        Thread.Sleep(int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture));
        break;
    case "asks":
        Lines.Write($"{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"{args[1]}\"}}\n");
        break;
    case "kit":
        return ModeKit.Run(Console.OpenStandardInput(), Console.OpenStandardOutput(), args[1..]);
    case "host":
        return await ModeHost.RunAsync();
    case "container":
        return await ModeHost.RunInContainerAsync(engine: args[1], image: args[2], name: args[3]);
    case "exits":
        Console.Error.WriteLine("this worker exits at once");
        return int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture);
}

if (mode == "needs" && !File.Exists(args[1]))
    return 4;
using IDisposable? deaf = mode == "stubborn"
    ? System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, signal => signal.Cancel = true)
    : null;
new Service().Run();
if (mode is "ignore-eof" or "stubborn")
    Thread.Sleep(Timeout.Infinite);
return 0;
