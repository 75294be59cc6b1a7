// ledger.h: who asked what, and what became of it. Every request has a number that no other has,
// so that an answer that is another's, or a second one, is seen whatever ids were used.
#ifndef LEDGER_H
#define LEDGER_H

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

// Draws that a seed decides.
class Lot {
  public:
    explicit Lot(uint64_t seed) : engine_(seed) {
    }
    int Below(int limit) {
        return static_cast<int>(engine_() % static_cast<uint64_t>(limit));
    }
    bool OneIn(int chances) {
        return Below(chances) == 0;
    }

  private:
    std::mt19937_64 engine_;
};

// The sums over all who ask.
struct Book {
    uint64_t asked = 0;    // requests, the last of which has this number
    uint64_t results = 0;  // that came back
    uint64_t lost = 0;     // whose asker was gone before
    uint64_t unsent = 0;   // whose asker stopped sending in the middle of them
    uint64_t refusals = 0; // of lines that were no request
    uint64_t reverse = 0;  // questions of workers that were answered
    uint64_t progress = 0;
    std::map<int, uint64_t> errors; // by their code
    bool stopping = false;          // from now on "shutting down" is an answer too
    std::vector<std::string> wrongs;

    uint64_t Errors() const;
    void Wrong(const std::string &what, const std::string &line);
};

// One who asks.
class Ledger {
  public:
    // The host gets copies of the notifications for others.
    Ledger(Book &book, Lot &lot, bool is_host = false) : book_(book), lot_(lot), is_host_(is_host) {
    }

    // Writes down a new request and returns its line. `manner` is what the worker is told to do,
    // see workers/faulty.c; empty: it is drawn among those that do no harm.
    std::string Ask(const std::string &manner = "");
    // One that is long both ways.
    std::string AskMuch();
    // A line that is no message, to be refused once.
    std::string Nonsense();
    // The last line was cut off after this many bytes, and nothing follows.
    void CutOff(const std::string &line, size_t sent);
    // Takes a line that the bus sent.
    void Take(const std::string &line);
    // The asker is gone: nothing more can come.
    void Close();

    size_t Waiting() const {
        return waiting_.size() + refusals_;
    }
    // Nothing of what the ledger waits for, for a message.
    std::string Missing() const;
    // Answers to questions of workers, to be sent by the asker.
    std::deque<std::string> replies;

  private:
    struct Request {
        uint64_t number;
        size_t back;
        std::string session; // to be put back on the result
        std::string token;
    };
    std::string FreshId(const std::string &manner);
    std::string Write(const std::string &manner, size_t there, size_t back);
    void TakeAnswer(const class Json &message, const std::string &line);
    void TakeProgress(const Json &message, const std::string &line);

    Book &book_;
    Lot &lot_;
    const bool is_host_;
    std::map<std::string, Request> waiting_; // by id as written
    size_t refusals_ = 0;
};

#endif
