// trusted_bus.h: a bus whose clients may ask it anything, because they are of the same user on a
// Unix socket.
#ifndef TRUSTED_BUS_H
#define TRUSTED_BUS_H

#include <cstring>

#include "socket_client.h"

struct SocketFolder {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
};

struct TrustedBus : SocketFolder, Bus {
    explicit TrustedBus(const std::string &config = OnePool()) : Bus(config, OnUnix(path)) {
        Start();
    }
};

// Asks for annotation, expects it, and returns the version.
inline Json Annotate(Bus &bus, SocketClient &client, const std::string &params = "") {
    Json answer = client.Ask(bus, Rpc("\"annotate\"", "stdio_bus/annotate", params));
    EXPECT_EQ(answer["_bus"].Raw(), "{}") << answer.Raw();
    return answer["result"];
}

// A message with a route before it.
inline std::string Beside(const std::string &route, const std::string &message) {
    return "{\"_bus\":" + route + "," + message.substr(1);
}

// The line without the annotation that it must begin with.
inline std::string Bare(const std::string &line) {
    Json annotation = Json::Parse(line)["_bus"];
    std::string start = "{\"_bus\":" + annotation.Raw() + ",";
    EXPECT_EQ(line.compare(0, start.size(), start), 0) << line;
    return "{" + line.substr(start.size());
}

// The next line, which is to be this notification of the bus: its params.
inline Json Told(Bus &bus, SocketClient &client, const std::string &method) {
    Json line = client.Next(bus);
    EXPECT_EQ(line["method"].Raw(), Quote("stdio_bus/" + method)) << line.Raw();
    EXPECT_EQ(line["_bus"].Raw(), "{}") << line.Raw();
    return line["params"];
}

#endif
