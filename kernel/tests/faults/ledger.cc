#include "ledger.h"

#include <iterator>

#include "json_tree.h"

namespace {

constexpr size_t kMostWrongs = 20;
constexpr int kIds = 1024; // that are used over and over, the same by all
constexpr int kSessions = 6;

char PaddingOf(uint64_t number) {
    return static_cast<char>('a' + number % 26);
}

} // namespace

uint64_t Book::Errors() const {
    uint64_t sum = 0;
    for (const auto &error : errors)
        sum += error.second;
    return sum;
}

void Book::Wrong(const std::string &what, const std::string &line) {
    if (wrongs.size() < kMostWrongs)
        wrongs.push_back(what + ": " + line.substr(0, 400));
}

// Numbers, strings, escaped ones and long ones: each comes back as it was written.
static std::string IdText(int number) {
    std::string digits = std::to_string(number);
    switch (number % 4) {
    case 0:
        return digits;
    case 1:
        return "\"" + digits + "\"";
    case 2:
        return "\"id\\u002d" + digits + "\"";
    default:
        return "\"" + std::string(150, 'i') + digits + "\"";
    }
}

// A worker that answers twice breaks the protocol: were the id in use again by then, the second
// answer would be taken for that of the new request. So these ids are used once.
std::string Ledger::FreshId(const std::string &manner) {
    if (manner == "twice")
        return std::to_string(1000000 + book_.asked);
    for (;;) {
        std::string id = IdText(lot_.Below(kIds));
        if (!waiting_.count(id))
            return id;
    }
}

std::string Ledger::Ask(const std::string &wanted) {
    static const char *const harmless[] = {"hold", "slow", "progress", "ask"};
    std::string manner = wanted;
    if (manner.empty() && lot_.OneIn(4))
        manner = harmless[lot_.Below(std::size(harmless))];

    size_t there = static_cast<size_t>(lot_.Below(200));
    size_t back = static_cast<size_t>(lot_.Below(200));
    if (lot_.OneIn(20))
        (lot_.OneIn(2) ? there : back) = static_cast<size_t>(lot_.Below(16 * 1024));
    if (lot_.OneIn(200))
        (lot_.OneIn(2) ? there : back) = static_cast<size_t>(lot_.Below(200 * 1024));
    return Write(manner, there, back);
}

std::string Ledger::AskMuch() {
    return Write("", static_cast<size_t>(lot_.Below(100 * 1024)),
                 static_cast<size_t>(lot_.Below(100 * 1024)));
}

std::string Ledger::Write(const std::string &manner, size_t there, size_t back) {
    std::string id = FreshId(manner);
    Request &r = waiting_[id];
    r.number = ++book_.asked;
    r.back = back;
    bool standard = lot_.OneIn(3);
    std::string line = "{\"jsonrpc\":\"2.0\",\"pool\":\"";
    line += standard ? "standard\"" : "plain\"";
    if (lot_.OneIn(3)) {
        std::string session = "session " + std::to_string(lot_.Below(kSessions));
        line += ",\"sessionId\":\"" + session + "\"";
        if (standard)
            r.session = session;
    }
    line += ",\"id\":" + id + ",\"method\":\"do\",\"params\":{\"n\":" + std::to_string(r.number) +
            ",\"do\":\"" + manner + "\",\"back\":" + std::to_string(r.back) +
            ",\"len\":" + std::to_string(there);
    if (manner == "progress") {
        r.token = id; // which others use as well
        line += ",\"_meta\":{\"progressToken\":" + r.token + "}";
    }
    return line + ",\"pad\":\"" + std::string(there, PaddingOf(r.number)) + "\"}}";
}

std::string Ledger::Nonsense() {
    static const char *const lines[] = {
        "hello",
        "{\"id\":",
        "[]",
        "\"text\"",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"m\"}",
        "{\"jsonrpc\":\"2.0\"}{}",
        "\xff\xfe",
        "{\"a\":\"\xc3\x28\"}",
        "}",
        "[{\"jsonrpc\":\"2.0\"",
    };
    refusals_++;
    if (lot_.OneIn(10))
        return std::string(300 * 1024, 'x'); // longer than max_input_buffer
    return lines[lot_.Below(std::size(lines))];
}

// What was sent is taken for a line: a request without its newline is whole.
void Ledger::CutOff(const std::string &line, size_t sent) {
    if (sent >= line.size())
        return;
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
        std::string mark = "\"id\":" + at->first + ",\"method\":\"do\",\"params\":{\"n\":" +
                           std::to_string(at->second.number) + ",";
        if (line.find(mark) == std::string::npos)
            continue;
        waiting_.erase(at);
        book_.unsent++;
        refusals_ += sent > 0;
        return;
    }
    refusals_ -= sent == 0; // nonsense is refused in part as well
}

void Ledger::Take(const std::string &line) {
    Json message;
    try {
        message = Json::Parse(line);
    } catch (const std::exception &) {
        book_.Wrong("a line that is no JSON", line);
        return;
    }
    bool is_request = message.Has("method") && message.Has("id");
    if (is_request) {
        book_.reverse++;
        replies.push_back("{\"jsonrpc\":\"2.0\",\"id\":" + message["id"].Raw() +
                          ",\"result\":{\"n\":" + message["params"]["n"].Raw() + "}}");
    } else if (message.Has("method")) {
        TakeProgress(message, line);
    } else {
        TakeAnswer(message, line);
    }
}

void Ledger::TakeProgress(const Json &message, const std::string &line) {
    const Json &params = message["params"];
    for (const auto &[id, request] : waiting_) {
        if (std::to_string(request.number) != params["n"].Raw())
            continue;
        if (!is_host_ && request.token != params["progressToken"].Raw())
            book_.Wrong("progress of " + id + " under another token", line);
        book_.progress++;
        return;
    }
    if (!is_host_)
        book_.Wrong("progress of nothing that was asked", line);
}

void Ledger::TakeAnswer(const Json &message, const std::string &line) {
    const std::string &id = message["id"].Raw();
    if (id == "null") {
        if (!message.Has("error") || refusals_ == 0)
            book_.Wrong("a refusal of nothing", line);
        else
            refusals_--, book_.refusals++;
        return;
    }
    auto found = waiting_.find(id);
    if (found == waiting_.end()) {
        book_.Wrong("an answer to nothing that waits", line);
        return;
    }
    Request r = found->second;
    waiting_.erase(found);
    if (message.Has("result") == message.Has("error")) {
        book_.Wrong("an answer with both result and error, or neither", line);
        return;
    }
    if (message.Has("error")) {
        int code = static_cast<int>(message["error"]["code"].Number());
        book_.errors[code]++;
        bool known = code == -32001 || code == -32002 || code == -32003 ||
                     (code == -32004 && book_.stopping);
        if (!known)
            book_.Wrong("an error that nothing explains", line);
        return;
    }
    book_.results++;
    const Json &result = message["result"];
    if (result["n"].Raw() != std::to_string(r.number))
        book_.Wrong("the answer to another request than " + std::to_string(r.number), line);
    else if (result["pad"].Text() != std::string(r.back, PaddingOf(r.number)))
        book_.Wrong("a damaged answer", line);
    if (!r.session.empty() && message["sessionId"].Raw() != "\"" + r.session + "\"")
        book_.Wrong("the session was not put back", line);
}

void Ledger::Close() {
    book_.lost += waiting_.size();
    waiting_.clear();
    refusals_ = 0;
    replies.clear();
}

std::string Ledger::Missing() const {
    std::string text = std::to_string(refusals_) + " refusals";
    size_t named = 0;
    for (const auto &[id, request] : waiting_)
        if (named++ < 5)
            text += ", request " + std::to_string(request.number) + " with id " + id.substr(0, 40);
    return text + " (" + std::to_string(waiting_.size()) + " requests)";
}
