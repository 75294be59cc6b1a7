// storm.h: a load of requests from several clients, and an adversary that draws what goes wrong
// next. The same seed draws the same things; when they happen is the machine's affair.
#ifndef STORM_H
#define STORM_H

#include <chrono>
#include <functional>
#include <memory>

#include "processes.h"
#include "subject.h"

class Storm {
  public:
    struct Weather {
        bool breaks = true; // calls may fail for good
        int clients = 6;    // how many there are at most
        int in_flight = 64; // requests of each one
    };

    Storm(Subject &subject, Book &book, Lot &lot, const Weather &weather);

    // Rages that long, with pauses in which everything comes to its end: the next fault would hide
    // what is stuck.
    void Rage(std::chrono::milliseconds time);
    // Waits until every request is answered; disturbs nothing any more.
    void Settle();
    // Ends all connections, has every worker replaced, and waits until there are as many
    // descriptors and workers as in the beginning. Returns what the kernel then has of the heap.
    struct Heap {
        int64_t bytes, blocks;
    };
    Heap Clear();
    // This many clients that come, ask something or nothing, and go.
    void ComeAndGo(int clients);
    // A last volley of requests, and the orderly end while they are in flight.
    void Stop();

    // What the adversary did.
    struct Deeds {
        int kills = 0, guard_kills = 0, suspensions = 0, manners = 0, floods = 0, connects = 0,
            partings = 0, cuts = 0, nonsense = 0, deafnesses = 0, leaps = 0, squeezes = 0;
        uint64_t ended_by_bus = 0; // connections, before all was answered
    };
    const Deeds &Done() const {
        return deeds_;
    }

  private:
    using Clock = std::chrono::steady_clock;
    struct Client {
        Client(Book &book, Lot &lot, std::unique_ptr<Wire> its_wire)
            : ledger(book, lot), wire(std::move(its_wire)) {
        }
        Ledger ledger;
        std::unique_ptr<Wire> wire;
        std::string line, rest; // one that is half sent, and what of it is still to come
        Clock::time_point hears_again{};
        bool ends = false; // it sends no more
    };

    void RageOn(Clock::time_point end);
    // One round of everything; `faults`: calls may fail meanwhile.
    void Turn(bool faults);
    void Act();
    void ChangeIntensity();
    void EndFlashes();
    void Kill();
    void KillGuard();
    void Suspend();
    void ResumeAll();
    void Connect();
    void Part(size_t at);
    void Deafen();
    void Leap();
    void MisbehaveOnce();
    void Overwhelm();

    void AskMore(Client &client);
    void AskAsHost();
    void Say(Client &client, const std::string &line, bool may_cut);
    void FinishLine(Client &client);
    void Reply();
    void PumpAll();
    void Await(const std::function<bool()> &reached, const std::string &what);
    bool AllAnswered();
    std::string Missing();

    Subject &subject_;
    Book &book_;
    Lot &lot_;
    const Weather weather_;
    Deeds deeds_;
    std::vector<std::unique_ptr<Client>> clients_;
    Squeeze squeeze_;
    Clock::time_point next_act_{}, squeezed_until_{}, next_resume_{};
    size_t descriptors_;
};

#endif
