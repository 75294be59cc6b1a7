using System.Formats.Tar;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace StdioBus.Tests.Support;

/// <summary>A registry on this machine that has one image and counts how often it is asked for. Its image's own content is the engine's.</summary>
internal sealed class ImageRegistry : IAsyncDisposable
{
    private const string ManifestType = "application/vnd.docker.distribution.manifest.v2+json";
    private readonly HttpListener _listener;
    private readonly Dictionary<string, byte[]> _blobs = [];
    private readonly byte[] _manifest;
    private readonly DockerEngine _engine;
    private readonly Task _serving;
    private int _pulls;

    private ImageRegistry(DockerEngine engine, HttpListener listener, int port, byte[] config, IEnumerable<byte[]> layers)
    {
        _engine = engine;
        _listener = listener;
        Image = $"127.0.0.1:{port}/bus:tag";
        _manifest = JsonSerializer.SerializeToUtf8Bytes(new
        {
            schemaVersion = 2,
            mediaType = ManifestType,
            config = Add(config, "application/vnd.docker.container.image.v1+json"),
            layers = layers.Select(layer => Add(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip")).ToArray(),
        });
        _serving = ServeAsync();
    }

    /// <summary>The image, with the address of the registry.</summary>
    public string Image { get; }

    /// <summary>How often its tag was asked for.</summary>
    public int Pulls => Volatile.Read(ref _pulls);

    /// <summary>Starts one that has this image of the engine.</summary>
    public static async Task<ImageRegistry> StartAsync(DockerEngine engine, string image, string folder)
    {
        string saved = Path.Combine(folder, "image.tar");
        await engine.RunAsync("save", "--output", saved, image);
        Dictionary<string, byte[]> files = await ReadAsync(saved);
        JsonElement image0 = JsonDocument.Parse(files["manifest.json"]).RootElement[0];
        byte[] config = files[image0.GetProperty("Config").GetString()!];
        IEnumerable<byte[]> layers = [.. image0.GetProperty("Layers").EnumerateArray().Select(layer => files[layer.GetString()!])];
        (HttpListener listener, int port) = Listen();
        return new ImageRegistry(engine, listener, port, config, layers);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving.Soon();
        _listener.Close();
        await _engine.RunAsync("image", "rm", "--force", Image);
    }

    private static (HttpListener Listener, int Port) Listen()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        int port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        var listener = new HttpListener();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
        return (listener, port);
    }

    private static async Task<Dictionary<string, byte[]>> ReadAsync(string tar)
    {
        var files = new Dictionary<string, byte[]>();
        await using FileStream stream = File.OpenRead(tar);
        await using var reader = new TarReader(stream);
        while (await reader.GetNextEntryAsync(copyData: true) is { } entry)
        {
            using var content = new MemoryStream();
            if (entry.DataStream is not null)
                await entry.DataStream.CopyToAsync(content);
            files[entry.Name] = content.ToArray();
        }

        return files;
    }

    private static string Digest(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    private object Add(byte[] content, string mediaType)
    {
        _blobs[Digest(content)] = content;
        return new { mediaType, size = content.Length, digest = Digest(content) };
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            await AnswerAsync(context.Request, context.Response);
            context.Response.Close();
        }
    }

    private async Task AnswerAsync(HttpListenerRequest request, HttpListenerResponse response)
    {
        string path = request.Url!.AbsolutePath;
        if (path == "/v2/bus/manifests/tag")
            Interlocked.Increment(ref _pulls);
        bool isManifest = path == "/v2/bus/manifests/tag" || path == $"/v2/bus/manifests/{Digest(_manifest)}";
        byte[]? content = path == "/v2/" ? "{}"u8.ToArray() : isManifest ? _manifest : _blobs.GetValueOrDefault(path[(path.LastIndexOf('/') + 1)..]);
        if (content is null)
        {
            response.StatusCode = 404;
            content = Encoding.ASCII.GetBytes("""{"errors":[{"code":"MANIFEST_UNKNOWN"}]}""");
        }

        response.ContentType = isManifest ? ManifestType : content[0] == (byte)'{' ? "application/json" : "application/octet-stream";
        if (isManifest)
            response.Headers["Docker-Content-Digest"] = Digest(_manifest);
        response.ContentLength64 = content.Length;
        if (request.HttpMethod != "HEAD")
            await response.OutputStream.WriteAsync(content);
    }
}
