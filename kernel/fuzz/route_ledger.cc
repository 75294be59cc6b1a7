#include "route_ledger.h"

#include <algorithm>
#include <cstdlib>

#include "require.h"
#include "stdio_bus.h"

using strict_json::Value;

namespace {

std::string RawOf(const Value *value) {
    return value ? std::string(value->raw) : std::string();
}

const Value *Inside(const Value *value, const char *key) {
    return value ? value->Find(key) : nullptr;
}

uint64_t NumberOf(const Value &line) {
    for (const char *where : {"params", "result"}) {
        const Value *n = Inside(line.Find(where), "n");
        if (n)
            return std::strtoull(std::string(n->raw).c_str(), nullptr, 10);
    }
    return 0;
}

// What was made with care has no carriage return but at its end, where it is taken off; elsewhere
// it is white space and passes.
Value Read(std::string_view line, bool raw) {
    Value value;
    REQUIRE(line.find_first_of(raw ? "\n" : "\r\n") == std::string_view::npos);
    REQUIRE(strict_json::Parse(line, &value) == strict_json::Result::kValid);
    REQUIRE(value.kind == strict_json::Kind::kObject);
    return value;
}

bool OneOf(std::string_view key, std::initializer_list<const char *> keys) {
    for (const char *k : keys)
        if (key == k)
            return true;
    return false;
}

// Equal but for the ids and tokens that the router may replace. `level`: 0 the message, 1 its
// params, 2 their _meta.
bool Same(const Value &sent, const Value &got, int level, bool stripped) {
    std::vector<const strict_json::Member *> wanted;
    for (const auto &member : sent.members)
        if (!stripped || !OneOf(member.key, {"sessionId", "pool", "agentId", "_ext"}))
            wanted.push_back(&member);
    if (wanted.size() != got.members.size())
        return false;
    for (size_t i = 0; i < wanted.size(); i++) {
        const auto &a = *wanted[i], &b = got.members[i];
        bool may_differ = level == 0   ? a.key == "id"
                          : level == 1 ? OneOf(a.key, {"id", "requestId", "progressToken"})
                                       : a.key == "progressToken";
        bool goes_deeper = level == 0 ? a.key == "params" : level == 1 && a.key == "_meta";
        if (a.raw_key != b.raw_key)
            return false;
        if (goes_deeper ? !Same(a.value, b.value, level + 1, false)
                        : !may_differ && a.value.raw != b.value.raw)
            return false;
    }
    return true;
}

std::string Joined(std::string text) {
    for (char &c : text)
        if (c == '\n' || c == '\r')
            c = ' ';
    return text;
}

Given GivenOf(const Value &line) {
    const Value *token = Inside(Inside(line.Find("params"), "_meta"), "progressToken");
    return {NumberOf(line), RawOf(line.Find("id")), RawOf(token)};
}

} // namespace

Message &Ledger::Add(Message message) {
    messages_.push_back(std::move(message));
    return messages_.back();
}

Message *Ledger::Find(uint64_t number) {
    return number >= 1 && number <= messages_.size() ? &messages_[number - 1] : nullptr;
}

Message *Ledger::OpenOfHost(size_t nth) {
    size_t open = OpenCountOfHost();
    if (open == 0)
        return nullptr;
    nth %= open;
    for (Message &m : messages_)
        if (m.cookie && !m.answered && !m.forgotten && nth-- == 0)
            return &m;
    return nullptr;
}

Message *Ledger::OpenOf(int client, size_t nth) {
    std::vector<Message *> open;
    for (Message &m : messages_)
        if (m.asker == client && !m.from_worker && m.is_request && !m.answered)
            open.push_back(&m);
    return open.empty() ? nullptr : open[nth % open.size()];
}

size_t Ledger::OpenCountOfHost() const {
    size_t open = 0;
    for (const Message &m : messages_)
        open += m.cookie && !m.answered && !m.forgotten;
    return open;
}

// The message that an answer answers: by its number, or, for an error, the first that is open
// under its id.
Message *Ledger::FindAnswered(const Value &line, int asker, bool from_worker) {
    uint64_t number = NumberOf(line);
    if (number)
        return Find(number);
    std::string id = RawOf(line.Find("id"));
    if (id == "null") // of a request that was refused without its id
        return nullptr;
    for (Message &m : messages_)
        if (m.asker == asker && m.from_worker == from_worker && m.is_request && !m.answered &&
            m.id == id)
            return &m;
    return nullptr;
}

// The line as it would be without "_bus", and the number that stands in that (-1: none).
std::string Ledger::TakeAnnotation(std::string_view text, Ears *ears, int *worker) const {
    static const std::string_view start = "{\"_bus\":";
    *worker = -1;
    size_t before = std::min(text.find('{'), text.size()); // white space
    bool has = text.substr(before, start.size()) == start;
    if (!has) {
        REQUIRE(!ears->annotated);
        return std::string(text);
    }
    if (raw && !ears->asked)
        return std::string(text); // a worker's own
    Value line = Read(text, raw);
    const Value &bus = line.members[0].value;
    if (!ears->annotated) {
        REQUIRE(ears->asked);
        REQUIRE(raw || faulty || RawOf(line.Find("id")) == "\"ann\"");
        ears->annotated = true;
    }
    const Value *number = bus.Find("worker");
    REQUIRE(bus.kind == strict_json::Kind::kObject);
    REQUIRE(number ? bus.members.size() == 2 && OneOf(RawOf(bus.Find("pool")), {"\"a\"", "\"b\""})
                   : bus.members.empty());
    if (number)
        *worker = std::atoi(std::string(number->raw).c_str());
    size_t rest = before + start.size() + bus.raw.size();
    REQUIRE(text[rest] == ',');
    return "{" + std::string(text.substr(rest + 1));
}

// What a worker made with care arrives as it was, but for its ids and a session that is put back.
void Ledger::CheckFromWorker(const Value &line, uint64_t number) const {
    if (raw || number < 1 || number > messages_.size() || !messages_[number - 1].from_worker)
        return;
    std::string sent = Joined(messages_[number - 1].text);
    Value original = Read(sent, raw), got = line;
    if (got.members.size() > original.members.size() && got.members[0].key == "sessionId")
        got.members.erase(got.members.begin());
    REQUIRE(Same(original, got, 0, false));
}

void Ledger::Placed(int asker, const Value &line) {
    if (RawOf(line.Find("method")) != "\"stdio_bus/placed\"" || raw)
        return;
    std::string id = RawOf(Inside(line.Find("params"), "id"));
    bool known = false;
    for (Message &m : messages_)
        if (m.asker == asker && !m.from_worker && m.tell && !m.answered && m.id == id) {
            // More than one, where the others were refused because of this one.
            m.told = std::atoi(RawOf(Inside(line.Find("params"), "worker")).c_str());
            known = true;
        }
    REQUIRE(known);
}

void Ledger::Answer(Message *message, const Value &line, int worker) {
    REQUIRE(!message->answered && message->is_request);
    REQUIRE(raw || faulty || !message->tell || worker < 0 || message->told == worker);
    message->answered = true;
    std::string id = RawOf(line.Find("id"));
    // A request whose id cannot be used is refused without it.
    bool refused = id == "null" && RawOf(Inside(line.Find("error"), "code")) == "-32600";
    REQUIRE(refused || id == message->id);
}

bool Ledger::ToWorker(int worker, bool stripped, std::string_view text, Given *given) {
    Value line = Read(text, raw);
    *given = GivenOf(line);
    if (!line.Find("method")) {
        if (raw)
            return false;
        Message *asked = FindAnswered(line, worker, true);
        REQUIRE(asked || given->id == "null");
        if (asked) {
            REQUIRE(asked->from_worker && asked->asker == worker);
            Answer(asked, line, -1);
        }
        return false;
    }
    Message *sent = Find(given->number);
    if (sent && !raw) {
        bool beside = !sent->bare.empty() && (!faulty || !line.Find("_bus"));
        std::string text_sent = Joined(beside ? sent->bare : sent->text);
        Value original = Read(text_sent, raw);
        REQUIRE(!sent->from_worker && !sent->received);
        sent->received = true;
        stripped = stripped && !(sent->verbatim && (beside || sent->bare.empty()));
        REQUIRE(Same(original, line, 0, stripped));
        bool untouched = !stripped && given->id == RawOf(original.Find("id")) &&
                         RawOf(original.Find("params")) == RawOf(line.Find("params"));
        REQUIRE(!untouched || text == text_sent);
    }
    return line.Find("id") != nullptr;
}

bool Ledger::ToHost(std::string_view text, Ears *ears, uint64_t cookie, int kind, Given *given) {
    int worker;
    std::string bare = TakeAnnotation(text, ears, &worker);
    Value line = Read(bare, raw);
    *given = GivenOf(line);
    if (kind != STDIO_BUS_RESPONSE) {
        REQUIRE(line.Find("method") && cookie == 0);
        CheckFromWorker(line, given->number);
        Placed(kHost, line);
        REQUIRE((kind == STDIO_BUS_REQUEST) == (line.Find("id") != nullptr));
        return kind == STDIO_BUS_REQUEST;
    }
    REQUIRE(!line.Find("method") && line.Find("id"));
    if (cookie == 0) {
        REQUIRE(++plain_answers <= plain_requests || raw);
        return false;
    }
    Message *asked = nullptr;
    for (Message &m : messages_)
        if (m.cookie == cookie)
            asked = &m;
    REQUIRE(asked && !asked->forgotten);
    REQUIRE(raw || !given->number || Find(given->number) == asked);
    Answer(asked, line, worker);
    return false;
}

bool Ledger::ToClient(int client, std::string_view text, Ears *ears, Given *given,
                      bool *is_answer) {
    int worker;
    std::string bare = TakeAnnotation(text, ears, &worker);
    Value line = Read(bare, raw);
    *given = GivenOf(line);
    *is_answer = !line.Find("method");
    if (!*is_answer) {
        // A token belongs to who made it. (An id may name a request of either direction.)
        const Value *token = Inside(line.Find("params"), "progressToken");
        const Message *about = Find(given->number);
        if (token && token->kind != strict_json::Kind::kObject)
            REQUIRE(raw || !about || about->from_worker || about->asker == client);
        CheckFromWorker(line, given->number);
        Placed(client, line);
        return line.Find("id") != nullptr;
    }
    if (raw)
        return false;
    Message *asked = FindAnswered(line, client, false);
    REQUIRE(asked || given->id == "null" || given->id == "\"k\"");
    if (asked) {
        REQUIRE(asked->asker == client && !asked->from_worker);
        Answer(asked, line, worker);
    }
    return false;
}
