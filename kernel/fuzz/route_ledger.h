// route_ledger.h: what was sent through a bus and what came out of it. Each message carries a
// number of its own, so that wherever it turns up the ledger knows who sent it, and ends the
// program when the router broke a promise:
//   - a request reaches at most one worker, unchanged but for what the router may splice;
//   - it is answered at most once, to its asker, under its own id, byte for byte;
//   - progress about it reaches nobody but its asker (and the host, which sees everything);
//   - a line to a connection that asked for it begins with "_bus", and is without that what it
//   would
//     be without having asked; such a connection is told of a worker before it hears from it;
//   - nothing is delivered that is not one line of valid JSON.
#ifndef ROUTE_LEDGER_H
#define ROUTE_LEDGER_H

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "strict_json.h"

constexpr int kHost = 0; // as an asker; clients are numbered from 1

struct Message {
    int asker = kHost; // or, of a worker's request, its number
    bool from_worker = false;
    bool is_request = false;
    bool verbatim = false;
    bool tell = false; // its asker wants to know which worker has it
    int told = -1;     // and was told this one
    uint64_t cookie = 0;
    std::string id, text;
    std::string bare; // the text without the route that it begins with; empty: with none
    bool received = false, answered = false, forgotten = false;
};

// How a connection hears: with where lines come from from the answer to its request on.
struct Ears {
    bool asked = false, annotated = false;
};

// A message that a puppet was given and can react to.
struct Given {
    uint64_t number = 0; // 0: it carries none
    std::string id;      // as it was given
    std::string token;   // params._meta.progressToken as it was given; empty: none
};

class Ledger {
  public:
    // Text nobody wrote with care has been sent: its numbers and ids mean nothing.
    bool raw = false;
    // Memory may have been missing for what was asked.
    bool faulty = false;
    uint64_t plain_requests = 0, plain_answers = 0; // of the host, without a cookie

    uint64_t Next() const {
        return messages_.size() + 1;
    }
    Message &Add(Message message);
    Message *Find(uint64_t number);
    // The nth of the host's that is neither answered nor given up, counted round; nullptr: none.
    Message *OpenOfHost(size_t nth);
    size_t OpenCountOfHost() const;
    // The nth request of that client that it has not seen an answer to, counted round.
    Message *OpenOf(int client, size_t nth);

    // Checks a line that a worker, the host or a client was given. `given` is filled in and true
    // returned for a request, which wants an answer.
    bool ToWorker(int worker, bool stripped, std::string_view line, Given *given);
    bool ToHost(std::string_view line, Ears *ears, uint64_t cookie, int kind, Given *given);
    bool ToClient(int client, std::string_view line, Ears *ears, Given *given, bool *is_answer);

  private:
    std::deque<Message> messages_; // whoever adds one may be inside of a call about another

    std::string TakeAnnotation(std::string_view line, Ears *ears, int *worker) const;
    void CheckFromWorker(const strict_json::Value &line, uint64_t number) const;
    void Placed(int asker, const strict_json::Value &line);
    void Answer(Message *message, const strict_json::Value &line, int worker);
    Message *FindAnswered(const strict_json::Value &line, int asker, bool from_worker);
};

#endif
