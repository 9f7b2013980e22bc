// SPDX-License-Identifier: Apache-2.0
// The ways out of metrics, against servers and sinks that misbehave.
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/metrics/expose.hpp"
#include "exporters/publish/http.hpp"
#include "exporters/publish/publisher.hpp"
#include "exporters/publish/textfile.hpp"
#include "tests/unit/sample_report.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace maru {
namespace {

struct Request {
  std::string head, body;
};

/// Answers one request after the other with the status that `answer` gives.
class Server {
public:
  explicit Server(std::function<int(Request const&)> answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { work(); });
  }
  ~Server() {
    stop_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Request> requests() const {
    std::lock_guard const lock(mutex_);
    return requests_;
  }

private:
  void work() {
    while (!stop_) {
      int const link = ::accept(listener_, nullptr, nullptr);
      if (link < 0) return;
      auto const request = read(link);
      {
        std::lock_guard const lock(mutex_);
        requests_.push_back(request);
      }
      auto const text = "HTTP/1.1 " + std::to_string(answer_(request)) +
                        " X\r\nContent-Length: 12\r\nConnection: close\r\n\r\nout of order";
      [[maybe_unused]] auto const sent = ::send(link, text.data(), text.size(), MSG_NOSIGNAL);
      ::close(link);
    }
  }

  static Request read(int link) {
    std::string text;
    std::size_t wanted = std::string::npos;
    char buffer[65536];
    while (text.size() < wanted) {
      auto const got = ::recv(link, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
      auto const end = text.find("\r\n\r\n");
      auto const length = text.find("Content-Length: ");
      if (end != text.npos) wanted = end + 4 + (length < end ? std::stoul(text.substr(length + 16)) : 0);
    }
    auto const end = text.find("\r\n\r\n");
    return {text.substr(0, end), end == text.npos ? std::string() : text.substr(end + 4)};
  }

  std::function<int(Request const&)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

Exposition sample_exposition() { return expose(sample_report()); }

TEST(RemoteWrite, SendsNothingTwice) {
  Server server([](Request const&) { return 204; });
  auto const sink = make_remote_write_sink(server.url() + "/api/v1/write", {"user", "secret"});
  auto exposition = sample_exposition();
  Delivery first, again, newer;
  sink->deliver(exposition, first);
  EXPECT_EQ(first.samples, series_count(exposition));
  EXPECT_EQ(first.dropped, 0U);
  auto const requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_TRUE(requests[0].head.starts_with("POST /api/v1/write ")) << requests[0].head;
  EXPECT_NE(requests[0].head.find("Content-Encoding: snappy"), std::string::npos);
  EXPECT_NE(requests[0].head.find("Authorization: Basic dXNlcjpzZWNyZXQ="), std::string::npos);
  sink->deliver(exposition, again);
  EXPECT_EQ(again.samples, 0U);
  for (auto& family : exposition)
    for (auto& sample : family.samples) sample.time += 1;
  sink->deliver(exposition, newer);
  EXPECT_EQ(newer.samples, series_count(exposition));
}

// A run may end in the millisecond of the last look at it; its end must not be lost.
TEST(RemoteWrite, SendsAnotherValueOfTheSameMillisecond) {
  Server server([](Request const&) { return 204; });
  auto const sink = make_remote_write_sink(server.url(), {});
  auto exposition = sample_exposition();
  Delivery first, second;
  sink->deliver(exposition, first);
  exposition[0].samples[0].value += 1;
  sink->deliver(exposition, second);
  EXPECT_EQ(second.samples, 1U);
}

// One old sample spoils the request that it is in, and no other.
TEST(RemoteWrite, GivesUpWhatIsRefusedAndKeepsTheRest) {
  std::size_t requests = 0;
  Server server([&](Request const&) { return ++requests == 1 || requests == 2 ? 400 : 204; });
  auto const sink = make_remote_write_sink(server.url(), {});
  auto exposition = sample_exposition();
  exposition.resize(1);
  exposition[0].samples.resize(1);
  auto const row = exposition[0].row;
  for (int i = 1; i < 4; ++i) {
    Series series;
    add_label(series, "n", std::to_string(i));
    exposition[0].samples.push_back({series, 1, 1});
  }
  ASSERT_EQ(exposition[0].row, row);
  Delivery delivery;
  sink->deliver(exposition, delivery); // 4: 400; 2: 400; 1, 1: good; 2: good
  EXPECT_EQ(delivery.samples, 4U);
  Server refuses([](Request const&) { return 400; });
  auto const other = make_remote_write_sink(refuses.url(), {});
  Delivery nothing;
  other->deliver(exposition, nothing);
  EXPECT_EQ(nothing.samples, 0U);
  EXPECT_EQ(nothing.dropped, 4U);
  EXPECT_NE(nothing.complaint.find("answers 400: out of order"), std::string::npos) << nothing.complaint;
}

TEST(RemoteWrite, IsTriedAgainWhereThatMayHelp) {
  Server server([](Request const&) { return 503; });
  auto const sink = make_remote_write_sink(server.url(), {});
  Delivery delivery;
  EXPECT_THROW(sink->deliver(sample_exposition(), delivery), DeliveryError);
  EXPECT_EQ(delivery.samples + delivery.dropped, 0U);
  auto const nobody = make_remote_write_sink("http://127.0.0.1:1/", {});
  EXPECT_THROW(nobody->deliver(sample_exposition(), delivery), DeliveryError);
}

TEST(Pushgateway, PutsTheRunsTierIntoOneGroup) {
  Server server([](Request const&) { return 200; });
  auto const sink = make_pushgateway_sink(server.url() + "/", "a/b c", {});
  Delivery delivery;
  sink->deliver(sample_exposition(), delivery);
  auto const request = server.requests().at(0);
  EXPECT_TRUE(request.head.starts_with("PUT /metrics/job/maru/cluster@base64/YS9iIGM ")) << request.head;
  EXPECT_NE(request.body.find("maru_run_ranks{"), std::string::npos);
  EXPECT_EQ(request.body.find("maru_node_"), std::string::npos);
  EXPECT_EQ(request.body.find("cluster=\""), std::string::npos);
  EXPECT_EQ(delivery.samples, series_count(only(sample_exposition(), Tier::run)));
}

TEST(Urls, AreRefusedWhenTheyAreNone) {
  for (auto const* url : {"", "127.0.0.1:9090", "ftp://host/", "file:///etc/passwd", "http://"})
    EXPECT_THROW(check_url(url, "--remote-write"), Error) << url;
  EXPECT_NO_THROW(check_url("https://prometheus:9090/api/v1/write", "--remote-write"));
  EXPECT_EQ(percent_encoded("a b/ü~"), "a%20b%2F%C3%BC~");
}

TEST(Pull, RefusesAddressesThatAreNone) {
  for (auto const* address : {"", ":", "localhost:80", "[::1]:80", "127.0.0.1:99999", "127.0.0.1:80,81", "80r", "+80"})
    EXPECT_THROW(make_pull_sink({address, {}, {}, 0, {}}, nullptr), Error) << address;
}

TEST(Pull, ServesTheLastAndIsDoneWhenItWasRead) {
  std::string address;
  auto const targets = testing::TempDir() + "/maru-targets.json";
  {
    auto const sink = make_pull_sink({"0", targets, "west", 60, {}}, [&](auto const& where) { address = where; });
    Delivery delivery;
    sink->deliver(sample_exposition(), delivery);
    ASSERT_TRUE(address.starts_with("127.0.0.1:")) << address;
    EXPECT_NE(read_file(targets).find(address), std::string::npos);
    EXPECT_FALSE(sink->done());
    HttpRequest request;
    request.method = "GET";
    request.url = "http://" + address + "/metrics";
    auto const answer = send(request);
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.body.find("maru_run_info{"), std::string::npos);
    EXPECT_TRUE(sink->done());
  }
  EXPECT_FALSE(is_file(targets));
}

TEST(Textfile, IsReadableForAllAndNamedAfterItsHost) {
  auto const folder = testing::TempDir();
  EXPECT_EQ(textfile_path("/t", "../n o/de"), "/t/maru-.._n_o_de.prom");
  auto const mask = ::umask(0077);
  write_textfile(folder, "h1", "x 1\n");
  ::umask(mask);
  struct stat status {};
  ASSERT_EQ(::stat(textfile_path(folder, "h1").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST(Credentials, NeedBoth) {
  auto const file = testing::TempDir() + "/password";
  write_file(file, "secret\r\nmore\n");
  EXPECT_EQ(read_credentials("user", file).password, "secret");
  EXPECT_TRUE(read_credentials("", "").user.empty());
  EXPECT_THROW(read_credentials("user", ""), Error);
  EXPECT_THROW(read_credentials("", file), Error);
  write_file(file, "\nsecret\n");
  EXPECT_THROW(read_credentials("user", file), Error);
}

/// Fails so often, or takes so long, before it takes what it is given.
class StubbornSink : public Sink {
public:
  StubbornSink(int failures, std::chrono::milliseconds pause) : failures_(failures), pause_(pause) {}
  std::string_view name() const override { return "stubborn"; }
  bool while_running() const override { return true; }
  void deliver(Exposition const& exposition, Delivery& delivery) override {
    std::this_thread::sleep_for(pause_);
    if (failures_-- > 0) throw DeliveryError("not now");
    delivery.samples += series_count(exposition);
  }

private:
  int failures_;
  std::chrono::milliseconds pause_;
};

std::vector<std::unique_ptr<Sink>> sinks_of(std::unique_ptr<Sink> first, std::unique_ptr<Sink> second = nullptr) {
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::move(first));
  if (second) sinks.push_back(std::move(second));
  return sinks;
}

using std::chrono::milliseconds;
auto const never = [] { return false; };

TEST(Publisher, TriesAgainAndCountsFailures) {
  std::vector<std::string> complaints;
  PublisherOptions options;
  options.complain = [&](std::string const& text) { complaints.push_back(text); };
  Publisher publisher(sinks_of(std::make_unique<StubbornSink>(2, milliseconds(0))), options);
  EXPECT_EQ(publisher.health().at(0).sink, "stubborn"); // from the start, at zero
  publisher.finish(sample_exposition(), never);
  auto const health = publisher.health().at(0);
  EXPECT_EQ(health.failures, 2);
  EXPECT_EQ(health.dropped, 0);
  EXPECT_EQ(health.samples, static_cast<double>(series_count(sample_exposition())));
  EXPECT_EQ(complaints, std::vector<std::string>{"stubborn: not now"});
}

TEST(Publisher, GivesUpAtTheDeadlineAndCountsWhatIsLost) {
  PublisherOptions options;
  options.deadline = 0.2;
  Publisher publisher(sinks_of(std::make_unique<StubbornSink>(1000, milliseconds(0))), options);
  publisher.finish(sample_exposition(), never);
  EXPECT_EQ(publisher.health().at(0).dropped, static_cast<double>(series_count(sample_exposition())));
}

TEST(Publisher, NeitherWaitsNorLetsOneSinkWaitForAnother) {
  Publisher publisher(sinks_of(std::make_unique<StubbornSink>(0, milliseconds(2000)),
                               std::make_unique<StubbornSink>(0, milliseconds(0))),
                      {});
  publisher.publish(sample_exposition());
  publisher.publish(sample_exposition());
  for (int i = 0; i < 100 && publisher.health().at(1).samples == 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_GT(publisher.health().at(1).samples, 0);
  EXPECT_EQ(publisher.health().at(0).samples, 0);
}

} // namespace
} // namespace maru
