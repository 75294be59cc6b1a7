// Everything at once, in an order that is drawn by lot but always the same: workers are killed,
// clients come and go in the middle of a line, requests are given up. Whatever happens, a request
// is answered exactly once, and nothing stays behind.
#include "socket_client.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <random>

namespace {

constexpr size_t kMostClients = 12;

struct Client {
    explicit Client(const std::string &endpoint) : socket(endpoint) {
    }
    SocketClient socket;
    int sent = 0;
    bool in_line = false; // the beginning of a line was sent, but not its end
    std::map<int, int> answers;
};

class Storm {
  public:
    explicit Storm(unsigned seed) : lot_(seed) {
        // A window of a second, so that the back-off between restarts stays short.
        bus_ = std::make_unique<Bus>(
            OnePool(5, R"("max_restarts":1000,"restart_window_sec":1,"max_output_queue":1048576)"),
            OnTcp());
        bus_->on_message = [this](const Message &m) {
            if (m.kind == STDIO_BUS_RESPONSE)
                answers_[m.cookie]++;
        };
        bus_->Start();
    }

    void Turn() {
        switch (Draw(24)) {
        case 0:
            Kill();
            break;
        case 1:
            Connect();
            break;
        case 2:
            Disconnect();
            break;
        case 3:
            Forget();
            break;
        case 4:
            Release();
            break;
        case 5:
            stdio_bus_restart_worker(bus_->get(), Draw(5), Draw(2));
            break;
        case 6:
        case 7:
        case 8:
        case 9:
        case 10:
        case 11:
            ClientSends();
            break;
        default:
            HostSends();
            break;
        }
        for (auto &client : clients_)
            client->socket.Pump();
        ASSERT_GE(stdio_bus_step(bus_->get(), 0), 0);
        bus_->messages.clear();
    }

    // Lets everything come to its end and looks at the result.
    void Settle() {
        for (auto &client : clients_)
            FinishLine(*client);
        ASSERT_TRUE(bus_->Until(
            [&] {
                Release();
                for (auto &client : clients_)
                    client->socket.Pump();
                return bus_->Pending() == 0 && ClientsAreAnswered();
            },
            "every request is answered"));
        ExpectHostIsAnswered();
        for (auto &client : clients_)
            for (int id = 1; id <= client->sent; id++)
                EXPECT_EQ(client->answers[id], 1) << "request " << id << " of a client";
        for (int worker = 0; worker < 5; worker++)
            EXPECT_EQ(bus_->Worker(worker).pending, 0u);
        EXPECT_EQ(stdio_bus_client_count(bus_->get()), static_cast<int>(clients_.size()));
        EXPECT_GT(bus_->Stats().worker_restarts, 50u);
        EXPECT_GT(bus_->disconnects.size(), 50u);
        EXPECT_LT(bus_->Stop(), 10000);
        ExpectForgottenAreSettled();
    }

    // Ends it while requests are in flight, in order or by destroying it.
    void End(bool orderly) {
        uint64_t cookie = ++last_cookie_; // one that is in flight for certain
        sent_[cookie] = false;
        ASSERT_EQ(
            bus_->Send(Rpc(std::to_string(cookie), "hold"), {nullptr, nullptr, -1, 0, cookie}), 0);
        if (orderly) {
            EXPECT_LT(bus_->Stop(2), 10000);
            EXPECT_EQ(bus_->Pending(), 0);
            EXPECT_EQ(stdio_bus_client_count(bus_->get()), 0);
            ExpectForgottenAreSettled();
        }
        bus_->Destroy();
        ExpectHostIsAnswered();
    }

  private:
    void ExpectHostIsAnswered() {
        for (const auto &[cookie, forgotten] : sent_)
            EXPECT_EQ(answers_[cookie], forgotten ? 0 : 1) << "request " << cookie;
    }
    int Draw(int below) {
        return static_cast<int>(lot_() % static_cast<unsigned>(below));
    }

    // What is asked: mostly short, sometimes long, sometimes left unanswered for a while.
    std::string Request(int id) {
        switch (Draw(8)) {
        case 0:
            return Rpc(std::to_string(id), "hold");
        case 1:
            return Rpc(std::to_string(id), "big", R"({"bytes":200000})");
        case 2:
            return Rpc(std::to_string(id), "measure", "\"" + std::string(100000, 'x') + "\"");
        case 3:
            return Rpc(std::to_string(id), "echo", R"({"_meta":{"progressToken":"t"}})",
                       ",\"sessionId\":\"s" + std::to_string(Draw(20)) + "\"");
        default:
            return Rpc(std::to_string(id), "echo", R"({"sessionId":"known"})");
        }
    }

    void HostSends() {
        uint64_t cookie = ++last_cookie_;
        sent_[cookie] = false;
        ASSERT_EQ(bus_->Send(Request(static_cast<int>(cookie)), {nullptr, nullptr, -1, 0, cookie}),
                  0);
    }
    void ExpectForgottenAreSettled() {
        std::vector<uint64_t> given_up;
        for (auto &[cookie, forgotten] : sent_)
            if (forgotten)
                given_up.push_back(cookie);
        std::sort(bus_->settled.begin(), bus_->settled.end());
        EXPECT_EQ(bus_->settled, given_up) << "each once, and no other";
    }
    void Forget() {
        uint64_t cookie = 1 + static_cast<uint64_t>(Draw(static_cast<int>(last_cookie_) + 1));
        if (stdio_bus_forget(bus_->get(), cookie) == STDIO_BUS_OK)
            sent_[cookie] = true;
    }
    void Release() {
        for (int worker = 0; worker < 5; worker++)
            if (bus_->Worker(worker).state == STDIO_BUS_WORKER_RUNNING)
                bus_->Send(Rpc("", "release"), {nullptr, nullptr, worker});
    }
    void Kill() {
        auto pid = static_cast<pid_t>(bus_->Worker(Draw(5)).pid);
        if (pid > 0)
            kill(pid, Draw(2) ? SIGKILL : SIGTERM);
    }
    void Connect() {
        if (clients_.size() < kMostClients)
            clients_.push_back(std::make_unique<Client>(stdio_bus_listen_endpoint(bus_->get())));
    }
    // At the end of a line or in the middle of it, in order or not.
    void Disconnect() {
        if (clients_.empty())
            return;
        size_t at = static_cast<size_t>(Draw(static_cast<int>(clients_.size())));
        if (Draw(2))
            clients_[at]->socket.Reset();
        clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    static void FinishLine(Client &client) {
        if (client.in_line)
            client.socket.SendBytes("lf\"}\n");
        client.in_line = false;
    }
    void ClientSends() {
        if (clients_.empty())
            return;
        Client &client = *clients_[static_cast<size_t>(Draw(static_cast<int>(clients_.size())))];
        FinishLine(client);
        if (Draw(4) == 0) {
            client.socket.SendBytes(R"({"jsonrpc":"2.0","method":"ha)");
            client.in_line = true;
        } else {
            client.socket.Send(Request(++client.sent));
        }
    }
    bool ClientsAreAnswered() {
        bool all = true;
        for (auto &client : clients_) {
            while (client->socket.Waiting()) {
                Json line = Json::Parse(client->socket.Line(*bus_));
                if (!line.Has("method"))
                    client->answers[static_cast<int>(line["id"].Number())]++;
            }
            all = all && client->answers.size() >= static_cast<size_t>(client->sent);
        }
        return all;
    }

    std::mt19937 lot_;
    std::unique_ptr<Bus> bus_;
    std::vector<std::unique_ptr<Client>> clients_;
    uint64_t last_cookie_ = 0;
    std::map<uint64_t, bool> sent_; // and whether it was given up
    std::map<uint64_t, int> answers_;
};

// Runs a storm and its end, and looks for what it left behind.
void Weather(unsigned seed, int turns, const std::function<void(Storm &)> &end) {
    size_t descriptors = OpenDescriptors().size();
    {
        Storm storm(seed);
        for (int i = 0; i < turns && !testing::Test::HasFatalFailure(); i++)
            storm.Turn();
        end(storm);
    }
    EXPECT_EQ(OpenDescriptors().size(), descriptors);
    EXPECT_TRUE(Children().empty()) << "a process was left behind";
}

TEST(Stress, EveryRequestIsAnsweredOnceWhileWorkersDieAndClientsComeAndGo_L7_A27) {
    Weather(20260131, 6000, [](Storm &storm) { storm.Settle(); });
}

TEST(Stress, EveryRequestIsAnsweredOnceWhenTheBusStopsInTheMiddle_L34) {
    for (unsigned seed = 1; seed <= 3; seed++)
        Weather(seed, 300, [](Storm &storm) { storm.End(true); });
}

TEST(Stress, EveryRequestIsAnsweredOnceWhenTheBusIsDestroyedInTheMiddle_L34) {
    for (unsigned seed = 11; seed <= 20; seed++)
        Weather(seed, 300, [](Storm &storm) { storm.End(false); });
}

} // namespace
