#include "route_messages.h"

namespace {

// Equal ones that are written differently, ones like those that the router makes up, one that is
// longer than what a call keeps in its own memory, one that is none.
const char kLongId[] =
    "\"it goes on \\u0061nd on and on and on and on and on and on and on and on\"";
const char *const kIds[] = {"1",
                            "2",
                            "\"a\"",
                            "\"1\"",
                            "\"\\u0061\"",
                            "1.0",
                            "10e-1",
                            "null",
                            "-0",
                            "\"sb:1\"",
                            "8999999999999999",
                            "9000000000000000",
                            "3",
                            "{}",
                            kLongId,
                            "\"\\ud83d\\ude00\\ud800\""};
const char *const kSessions[] = {"\"s\"", "\"t\"", "\"\\u0073\"",   "\"u\"",
                                 "\"\"",  "7",     "\"s\\u0000x\"", "\"\\ud800\""};
const char *const kPools[] = {"\"a\"", "\"b\"", "\"\\u0061\"", "\"none\"", "null"};
const char *const kTokens[] = {"1", "\"t\"", "\"\\u0074\"", "1.0", "\"sb:1\"", "{}"};

const char *const kBusMethods[] = {"\"stdio_bus/workers\"", "\"stdio_bus/stats\"",
                                   "\"stdio_bus\\/auth\"", "\"stdio_bus/none\""};

} // namespace

std::string ComposeMessage(Script *script, uint64_t number, Message *message) {
    size_t shape = script->Number(16);
    std::string id = script->One(kIds), method = "\"m\"";
    std::string top = "{\"jsonrpc\":\"2.0\"";
    std::string params = ",\"params\":{\"n\":" + std::to_string(number);
    message->is_request = shape < 10;
    if (message->is_request)
        top += (shape == 9 ? ",\"i\\u0064\":" : ",\"id\":") + id;
    switch (shape) {
    case 1:
    case 10:
        top += std::string(",\"sessionId\":") + script->One(kSessions);
        break;
    case 2:
    case 11:
        params += std::string(",\"sessionId\":") + script->One(kSessions);
        break;
    case 3:
        top += std::string(",\"pool\":") + script->One(kPools);
        break;
    case 4:
        params += std::string(",\"_meta\":{\"progressToken\":") + script->One(kTokens) + "}";
        break;
    case 5:
        top += std::string(",\n\"sessionId\":") + script->One(kSessions) +
               ",\"agentId\":1\n,\"_ext\":{},\"pool\":" + script->One(kPools);
        params += std::string(",\"_meta\":{\"x\":1,\"progressToken\":") + script->One(kTokens) +
                  ",\"y\":2}";
        break;
    case 6: // longer than small limits allow
        params += ",\"text\":\"" + std::string(script->Number(36) * 20, 'x') + "\"";
        break;
    case 12:
        method = "\"notifications/cancelled\"";
        params += ",\"requestId\":" + id;
        break;
    case 13:
        method = "\"$/cancelRequest\"";
        params += ",\"id\":" + id;
        break;
    case 14:
        method = "\"notifications/progress\"";
        params += std::string(",\"progressToken\":") + script->One(kTokens);
        break;
    case 7: // to the bus itself
        method = script->One(kBusMethods);
        break;
    default:
        break;
    }
    message->id = message->is_request ? id : "";
    return top + ",\"method\":" + method + params + "}}";
}

bool PutBeside(Script *script, bool annotated, Message *message) {
    static const char *const routes[] = {
        "{}",
        "{\"tell\":true}",
        "{\"worker\":0,\"tell\":true}",
        "{\"pool\":\"b\",\"tell\":true}",
        "{\"session\":\"s\",\"verbatim\":true}",
        "{\"tell\":true,\"session\":\"\\u0074\",\"_x\":[{}]}",
        "{\"pool\":\"none\",\"worker\":7}",
        "{\"verbatim\":true,\"tell\":true,\"verbatim\":false}",
        "{\"worker\":\"0\"}",
        "{\"tell\":1}",
        "7",
    };
    constexpr size_t kWrong = 8;
    size_t which = script->Number(sizeof routes / sizeof *routes);
    std::string bare = message->text, route = routes[which];
    message->text = "{\"_bus\":" + route + "," + bare.substr(1);
    if (!annotated)
        return false;
    if (which >= kWrong)
        return true;
    message->bare = bare;
    message->tell = message->is_request && route.find("\"tell\"") != std::string::npos;
    message->verbatim = route.find("true}") != std::string::npos && which == 4;
    return false;
}

std::string ComposeBusRequest(Script *script, Message *message) {
    static const char *const methods[] = {"pause", "resume", "restart", "stop", "log"};
    size_t which = script->Number(5), how = script->Number(8);
    std::string method = methods[which];
    std::string params = "\"worker\":" + std::to_string(script->Number(4));
    if (method == "restart" || method == "stop")
        params += how & 1 ? ",\"force\":true" : "";
    else if (method == "log")
        params += how & 1 ? ",\"last\":5" : ",\"level\":\"warn\"";
    message->is_request = how < 4 || method == "log";
    message->id = message->is_request ? script->One(kIds) : "";
    return "{\"jsonrpc\":\"2.0\"" + (message->is_request ? ",\"id\":" + message->id : "") +
           ",\"method\":\"stdio_bus/" + method + "\",\"params\":{" + params + "}}";
}

std::string AnswerTo(const Given &given, size_t shape) {
    std::string n = given.number ? "{\"n\":" + std::to_string(given.number) : "{\"x\":0";
    std::string body = shape == 0   ? "\"result\":" + n + "}"
                       : shape == 1 ? "\"result\":" + n + ",\"sessionId\":\"new\"}"
                       : shape == 2 ? "\"error\":{\"code\":1,\"message\":\"no\"}"
                                    : "\"result\":" + n + "},\"sessionId\":\"s\"";
    return "{\"jsonrpc\":\"2.0\",\"id\":" + given.id + "," + body + "}";
}
