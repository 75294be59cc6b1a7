// A worker: one JSON-RPC message a line, in on stdin, out on stdout. It ends when its stdin ends.
// Anything for people goes to stderr, never to stdout.

using DemoAgent;

using var connection = new JsonRpcConnection(Console.OpenStandardInput(), Console.OpenStandardOutput());
var agent = new Agent(connection);

connection.Requests["echo"] = agent.Echo;
connection.Requests["square"] = agent.Square;
connection.Requests["sleep"] = agent.Sleep;
connection.Requests["initialize"] = agent.Initialize;
connection.Requests["session/new"] = agent.NewSession;
connection.Requests["session/prompt"] = agent.Prompt;
connection.Requests["clock/start"] = agent.StartClock;
connection.Notifications["session/cancel"] = agent.Cancel;

await connection.RunAsync();
