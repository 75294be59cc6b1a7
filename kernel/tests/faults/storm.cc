#include "storm.h"

#include <algorithm>
#include <csignal>
#include <gtest/gtest.h>
#include <poll.h>

using std::chrono::milliseconds;

namespace {

constexpr auto kDeadline = std::chrono::seconds(60);     // no healthy run comes near to it
constexpr auto kShortDeadline = std::chrono::seconds(5); // once the test has failed anyway
constexpr auto kBetweenActs = milliseconds(4);
constexpr auto kBetweenResumes = milliseconds(50);
constexpr size_t kMostUnsent = 512 * 1024;

} // namespace

Storm::Storm(Subject &subject, Book &book, Lot &lot, const Weather &weather)
    : subject_(subject), book_(book), lot_(lot), weather_(weather), squeeze_(subject.Process()),
      descriptors_(OpenDescriptors(subject.Process()).size()) {
    if (auto wire = subject_.BirthWire())
        clients_.push_back(std::make_unique<Client>(book_, lot_, std::move(wire)));
}

// --- The load -----------------------------------------------------------------------------------

void Storm::FinishLine(Client &client) {
    client.wire->Send(client.rest);
    client.line.clear();
    client.rest.clear();
}

// May leave the end of the line for later, or for never.
void Storm::Say(Client &client, const std::string &line, bool may_cut) {
    FinishLine(client);
    if (!may_cut || !lot_.OneIn(50)) {
        client.wire->Send(line + "\n");
        return;
    }
    deeds_.cuts++;
    size_t sent = static_cast<size_t>(lot_.Below(static_cast<int>(line.size()) + 1));
    client.line = line;
    client.rest = line.substr(sent) + "\n";
    client.wire->Send(line.substr(0, sent));
}

void Storm::AskMore(Client &client) {
    size_t most = static_cast<size_t>(weather_.in_flight);
    for (int i = 0; i < 8 && !client.ends && client.ledger.Waiting() < most &&
                    client.wire->Unsent() < kMostUnsent;
         i++)
        Say(client, client.ledger.Ask(), true);
}

void Storm::AskAsHost() {
    Ledger *host = subject_.Host();
    size_t most = static_cast<size_t>(weather_.in_flight);
    for (int i = 0; host && i < 8 && host->Waiting() < most; i++)
        subject_.SendAsHost(host->Ask());
}

void Storm::Reply() {
    for (auto &client : clients_) {
        for (auto &replies = client->ledger.replies; !replies.empty(); replies.pop_front())
            if (!client->ends)
                Say(*client, replies.front(), false);
    }
    if (Ledger *host = subject_.Host())
        for (; !host->replies.empty(); host->replies.pop_front())
            subject_.SendAsHost(host->replies.front());
}

void Storm::PumpAll() {
    std::vector<pollfd> fds;
    for (auto &client : clients_) {
        if (client->wire->deaf && Clock::now() >= client->hears_again)
            client->wire->deaf = false;
        fds.push_back({client->wire->In(), client->wire->Events(), 0});
    }
    // A host that steps its bus has waited there already.
    poll(fds.data(), fds.size(), subject_.Host() ? 0 : 1);
    for (auto &client : clients_)
        client->wire->Pump([&client](const std::string &line) { client->ledger.Take(line); });
    Reply();
    for (size_t i = clients_.size(); i-- > 0;) {
        Client &client = *clients_[i];
        if (!client.wire->Ended())
            continue;
        if (book_.stopping && client.ledger.Waiting() > 0)
            book_.Wrong("the connection ended without an answer", client.ledger.Missing());
        else if (!book_.stopping && !(client.ends && client.ledger.Waiting() == 0))
            deeds_.ended_by_bus++;
        client.ledger.Close();
        clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

void Storm::Turn(bool faults) {
    subject_.Work(faults);
    PumpAll();
}

void Storm::Rage(milliseconds time) {
    for (auto end = Clock::now() + time; Clock::now() < end && book_.wrongs.empty(); Settle())
        RageOn(std::min(end, Clock::now() + milliseconds(500 + lot_.Below(2000))));
}

void Storm::RageOn(Clock::time_point end) {
    while (Clock::now() < end && book_.wrongs.empty()) {
        if (Clock::now() >= next_act_) {
            next_act_ = Clock::now() + kBetweenActs;
            EndFlashes();
            Act();
        }
        for (auto &client : clients_)
            AskMore(*client);
        AskAsHost();
        Turn(true);
    }
}

// --- The adversary ------------------------------------------------------------------------------

void Storm::Act() {
    int act = lot_.Below(200);
    size_t at = clients_.empty() ? 0 : static_cast<size_t>(lot_.Below(int(clients_.size())));
    if (act == 0 && lot_.OneIn(4)) {
        KillGuard();
    } else if (act < 4) {
        Kill();
    } else if (act < 8) {
        Suspend();
    } else if (act < 24) {
        MisbehaveOnce();
    } else if (act < 54) {
        Connect();
    } else if (act < 70 && !clients_.empty()) {
        Part(at);
    } else if (act < 74) {
        Deafen();
    } else if (act < 84 && !clients_.empty() && !clients_[at]->ends) {
        deeds_.nonsense++;
        Say(*clients_[at], clients_[at]->ledger.Nonsense(), true);
    } else if (act < 86) {
        Leap();
    } else if (act < 88) {
        deeds_.squeezes++;
        squeeze_.To(lot_.Below(9));
        squeezed_until_ = Clock::now() + milliseconds(20 + lot_.Below(200));
    } else if (act < 96) {
        ChangeIntensity();
    } else if (act == 99) {
        Overwhelm();
    } else if (act < 99 && weather_.breaks) {
        // Until the next act.
        (lot_.OneIn(2) ? subject_.Control().broken : subject_.Control().unwatched) = 8;
    }
}

void Storm::ChangeIntensity() {
    static const unsigned intensities[] = {0, 0, 100, 300, 800};
    auto draw = [this] { return intensities[lot_.Below(std::size(intensities))]; };
    FaultControl &c = subject_.Control();
    c.shortened = draw();
    c.again = draw();
    c.interrupted = draw();
    c.refused = draw();
}

void Storm::EndFlashes() {
    subject_.Control().broken = 0;
    subject_.Control().unwatched = 0;
    if (squeezed_until_ != Clock::time_point{} && Clock::now() >= squeezed_until_) {
        squeeze_.Release();
        squeezed_until_ = {};
    }
    if (Clock::now() >= next_resume_) {
        next_resume_ = Clock::now() + kBetweenResumes;
        ResumeAll();
    }
}

void Storm::Kill() {
    std::vector<pid_t> workers = subject_.Workers();
    if (workers.empty())
        return;
    deeds_.kills++;
    subject_.SignalWorker(workers[static_cast<size_t>(lot_.Below(int(workers.size())))],
                          lot_.OneIn(2) ? SIGKILL : SIGTERM);
}

// Not while there are no descriptors to look for it.
void Storm::KillGuard() {
    pid_t guard = squeezed_until_ == Clock::time_point{} ? subject_.Guard() : 0;
    if (guard == 0)
        return;
    deeds_.guard_kills++;
    subject_.SignalWorker(guard, SIGKILL);
}

void Storm::Suspend() {
    std::vector<pid_t> workers = subject_.Workers();
    if (workers.empty())
        return;
    deeds_.suspensions++;
    subject_.SignalWorker(workers[static_cast<size_t>(lot_.Below(int(workers.size())))], SIGSTOP);
}

void Storm::ResumeAll() {
    for (pid_t worker : subject_.Workers())
        subject_.SignalWorker(worker, SIGCONT);
}

// A worker is told to do something that a good one would not.
void Storm::MisbehaveOnce() {
    static const char *const manners[] = {"twice",   "twice", "stray",        "stray",
                                          "flood",   "deaf",  "half_crash",   "last_words",
                                          "exit",    "fork",  "close_output", "close_input",
                                          "suspend", "stray", "flood"};
    const char *manner = manners[lot_.Below(std::size(manners))];
    deeds_.manners++;
    Ledger *host = subject_.Host();
    if (host && (clients_.empty() || lot_.OneIn(3))) {
        subject_.SendAsHost(host->Ask(manner));
    } else if (!clients_.empty()) {
        Client &client = *clients_[static_cast<size_t>(lot_.Below(int(clients_.size())))];
        if (!client.ends)
            Say(client, client.ledger.Ask(manner), false);
    }
}

// A client asks for more at once than the queues of workers hold, and of its own.
void Storm::Overwhelm() {
    if (clients_.empty())
        return;
    Client &client = *clients_[static_cast<size_t>(lot_.Below(int(clients_.size())))];
    deeds_.floods++;
    for (int i = 0; i < 40 && !client.ends; i++)
        Say(client, client.ledger.AskMuch(), false);
}

void Storm::Connect() {
    if (subject_.Endpoint().empty() || clients_.size() >= static_cast<size_t>(weather_.clients))
        return;
    int fd = Wire::Connect(subject_.Endpoint());
    if (fd < 0)
        return; // no descriptor left, or more wait already than the listener has room for
    deeds_.connects++;
    clients_.push_back(std::make_unique<Client>(book_, lot_, std::make_unique<Wire>(fd, fd)));
}

// Goes in the middle of a line or between lines, with what it asked unanswered: at once, as a
// crash, or politely by ending what it sends and waiting for the rest.
void Storm::Part(size_t at) {
    if (subject_.Endpoint().empty())
        return;
    Client &client = *clients_[at];
    deeds_.partings++;
    if (lot_.OneIn(2) && !client.ends) {
        if (!client.rest.empty())
            client.ledger.CutOff(client.line, client.line.size() + 1 - client.rest.size());
        client.ends = true;
        client.wire->EndSending();
        return;
    }
    client.wire->Close(lot_.OneIn(2));
    client.ledger.Close();
    clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Storm::Deafen() {
    if (clients_.empty())
        return;
    deeds_.deafnesses++;
    Client &client = *clients_[static_cast<size_t>(lot_.Below(int(clients_.size())))];
    client.wire->deaf = true;
    client.hears_again = Clock::now() + milliseconds(20 + lot_.Below(400));
}

// The machine wakes up minutes later, or somebody sets the wall clock.
void Storm::Leap() {
    deeds_.leaps++;
    FaultControl &c = subject_.Control();
    if (lot_.OneIn(2))
        c.leap_ms += 1000 * (1 + lot_.Below(600));
    else
        c.wall_ms = 1000 * (static_cast<int64_t>(lot_.Below(2000000)) - 1000000);
}

// --- The end ------------------------------------------------------------------------------------

bool Storm::AllAnswered() {
    for (auto &client : clients_)
        if (client->ledger.Waiting() > 0 || client->ends)
            return false;
    return !subject_.Host() || subject_.Host()->Waiting() == 0;
}

std::string Storm::Missing() {
    std::string text;
    for (auto &client : clients_)
        text += "\n  a client: " + client->ledger.Missing() + ", unsent " +
                std::to_string(client->wire->Unsent()) + (client->ends ? ", ends" : "");
    if (subject_.Host())
        text += "\n  the host: " + subject_.Host()->Missing();
    return text;
}

void Storm::Await(const std::function<bool()> &reached, const std::string &what) {
    auto patience = book_.wrongs.empty() ? kDeadline : kShortDeadline;
    for (auto end = Clock::now() + patience; !reached();) {
        if (Clock::now() > end) {
            book_.Wrong("waited in vain until " + what, Missing());
            return;
        }
        if (Clock::now() >= next_resume_) {
            next_resume_ = Clock::now() + kBetweenResumes;
            ResumeAll(); // one may have been told to suspend itself
        }
        Turn(false);
    }
}

void Storm::Settle() {
    squeeze_.Release();
    squeezed_until_ = {};
    for (auto &client : clients_) {
        client->wire->deaf = false;
        if (!client->ends)
            FinishLine(*client);
    }
    Await([this] { return AllAnswered(); }, "every request is answered");
}

Storm::Heap Storm::Clear() {
    if (!subject_.Endpoint().empty())
        clients_.clear();
    std::vector<pid_t> former = subject_.Workers();
    if (pid_t guard = subject_.Guard())
        former.push_back(guard);
    for (pid_t worker : former)
        subject_.SignalWorker(worker, SIGKILL);
    Await(
        [&] {
            pid_t guard = subject_.Guard();
            if (std::count(former.begin(), former.end(), guard))
                return false;
            if (guard == 0) {
                // The next one may be a minute away.
                subject_.Control().leap_ms += 61000;
                subject_.Nudge();
                return false;
            }
            std::vector<pid_t> workers = subject_.Workers();
            for (pid_t worker : former)
                if (std::count(workers.begin(), workers.end(), worker))
                    return false;
            return workers.size() == kWorkers && subject_.IsIdle() &&
                   OpenDescriptors(subject_.Process()).size() == descriptors_;
        },
        "workers and descriptors are as in the beginning");
    return {subject_.Control().heap_bytes, subject_.Control().heap_blocks};
}

void Storm::ComeAndGo(int clients) {
    for (int come = deeds_.connects + clients; deeds_.connects < come && book_.wrongs.empty();) {
        Connect();
        if (!clients_.empty() && lot_.OneIn(2)) {
            Client &last = *clients_.back();
            AskMore(last);
        }
        if (!clients_.empty() &&
            (clients_.size() == static_cast<size_t>(weather_.clients) || lot_.OneIn(2)))
            Part(static_cast<size_t>(lot_.Below(int(clients_.size()))));
        AskAsHost();
        Turn(true);
    }
    Settle();
}

void Storm::Stop() {
    bool by_birth = subject_.Endpoint().empty() && !clients_.empty();
    Connect();
    Connect();
    for (auto &client : clients_) {
        for (int i = 0; i < 2 * kWorkers; i++)
            Say(*client, client->ledger.Ask("deaf"), false);
        for (int i = 0; i < 50; i++)
            // Whoever has ended its input cannot answer what workers ask.
            Say(*client, client->ledger.Ask(by_birth ? "slow" : ""), false);
        if (by_birth)
            client->wire->EndSending();
        else
            Say(*client, client->ledger.Nonsense(), false);
    }
    if (Ledger *host = subject_.Host())
        for (int i = 0; i < 50; i++)
            subject_.SendAsHost(host->Ask());
    // The refusal of the last line shows that all before it were read.
    uint64_t refusals = book_.refusals + (by_birth ? 0 : clients_.size());
    Await([&] { return book_.refusals >= refusals; }, "the last requests are read");
    book_.stopping = true;
    subject_.BeginStop();
    Await([this] { return subject_.HasStopped() && clients_.empty(); }, "the bus has stopped");
    if (subject_.Host() && subject_.Host()->Waiting() > 0)
        book_.Wrong("the bus stopped without an answer", subject_.Host()->Missing());
    subject_.ExpectOrderlyEnd();
}
