// SPDX-License-Identifier: Apache-2.0
// A product and a collective of NCCL on two streams of one device. Both wait for one event on a third stream, which in
// turn waits for both. That third one is the lane: what it times is from the gate to the later end.
//
// Ready at the same instant, the blocks of the two kernels would meet in an order that nobody foretells, and a product
// that fills the device would make the collective wait until it is nearly over. So the collective's stream has the
// higher priority: its few blocks come first, as frameworks that overlap want it.
#include "core/backend.hpp"
#include "kernels/collective/nccl_exchange.hpp"
#include "kernels/cuda/api.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/gemm/cuda_methods.hpp"
#include "kernels/tally.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace maru {
namespace {

constexpr std::size_t counted_calls = 64; // of those between two questions for the parts, the first so many are timed
constexpr int most_ctas = 64;             // of a kernel of NCCL: it takes a larger maxCTAs for no limit

class Event {
public:
  Event() { MARU_CHECK(CudaApi, cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(Event const&) = delete;
  Event& operator=(Event const&) = delete;

  void record(cudaStream_t stream) const { MARU_CHECK(CudaApi, cudaEventRecord(event_, stream)); }
  void hold(cudaStream_t stream) const { MARU_CHECK(CudaApi, cudaStreamWaitEvent(stream, event_, 0)); }
  double seconds_until(Event const& end) const {
    float milliseconds = 0;
    MARU_CHECK(CudaApi, cudaEventElapsedTime(&milliseconds, event_, end.event_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

private:
  cudaEvent_t event_ = nullptr;
};

/// Of one call.
struct Marks {
  Event gate, computed, communicated;
};

enum class Share { both, computing, communicating };

class CudaNccl final : public Work {
public:
  CudaNccl(Overlap const& overlap, Site const& site, CudaGemmMethod const& method, NcclCommunicator& communicator)
      : method_(method), exchange_(make_nccl_exchange(overlap.collective, site, communicator, Priority::high)),
        product_(make_device_gemm(overlap.gemm, site, method.make)), compute_(*this, Share::computing),
        communicate_(*this, Share::communicating), lane_(communicator) {}

  void call() override { run(marks_[std::min<std::size_t>(calls_++, counted_calls)], Share::both); }
  Lane& lane() override { return lane_; }
  std::vector<Work*> beside() override { return {&compute_, &communicate_}; }

  std::vector<double> take_parts() override {
    auto const counted = std::min<std::size_t>(std::exchange(calls_, 0), counted_calls);
    std::vector<double> means(2);
    for (std::size_t i = 0; i < counted; ++i) {
      means[0] += marks_[i].gate.seconds_until(marks_[i].computed) / static_cast<double>(counted);
      means[1] += marks_[i].gate.seconds_until(marks_[i].communicated) / static_cast<double>(counted);
    }
    return means;
  }

  Verification verify() override {
    product_->refresh();
    exchange_->refresh();
    {
      NcclListener const listener;
      call();
      lane_.wait();
      choice_ = listener.heard();
    }
    return merge(product_->judge(), exchange_->check());
  }

  std::string implementation() const override {
    return fmt::format("{}: {}; {}", method_.name, product_->implementation(), answer_text(*exchange_, choice_));
  }

private:
  using Priority = StreamLane::Priority;

  /// One of the two, begun and awaited as both are.
  class Alone final : public Work {
  public:
    Alone(CudaNccl& whole, Share share) : whole_(whole), share_(share) {}
    void call() override { whole_.run(whole_.marks_.back(), share_); }
    Verification verify() override { return {}; }
    Lane& lane() override { return whole_.lane_; }

  private:
    CudaNccl& whole_;
    Share share_;
  };

  void run(Marks const& marks, Share share) {
    bool const computes = share != Share::communicating, communicates = share != Share::computing;
    auto const computing = product_->stream(), communicating = exchange_->lane().stream();
    marks.gate.record(lane_.stream());
    if (communicates) {
      marks.gate.hold(communicating);
      exchange_->enqueue();
      marks.communicated.record(communicating);
    }
    if (computes) {
      marks.gate.hold(computing);
      product_->call();
      marks.computed.record(computing);
    }
    if (communicates) marks.communicated.hold(lane_.stream());
    if (computes) marks.computed.hold(lane_.stream());
  }

  CudaGemmMethod const& method_;
  std::unique_ptr<NcclExchange> exchange_;
  std::unique_ptr<DeviceProduct> product_;
  std::array<Marks, counted_calls + 1> marks_; ///< the last for calls that are not counted
  std::size_t calls_ = 0;                      ///< since take_parts()
  std::optional<NcclChoice> choice_;
  Alone compute_, communicate_;
  NcclLane lane_; // ends first: its wait is for all three, and is watched
};

int multiprocessors() {
  int count = 0;
  MARU_CHECK(CudaApi, cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, cuda_index_in_use()));
  return count;
}

std::optional<Skipped> refuse_taken(int taken) {
  if (taken > most_ctas) return Skipped{fmt::format("{} SMs taken: NCCL uses at most {}", taken, most_ctas)};
  if (int const all = multiprocessors(); taken >= all)
    return Skipped{fmt::format("{} of the device's {} SMs taken: none is left to multiply", taken, all)};
  return std::nullopt;
}

std::optional<Skipped> supports(Operation const& operation) {
  auto const* const overlap = std::get_if<Overlap>(&operation);
  if (!overlap) return Skipped{fmt::format("multiplies and communicates at once, and has no {}", name(operation))};
  if (auto refusal = refuse_exchange(overlap->collective)) return refusal;
  if (overlap->collective.graph) return Skipped{"a graph of one of the two would not begin with the other"};
  std::string reasons;
  if (!find_cuda_gemm(overlap->gemm, reasons)) return Skipped{reasons};
  return refuse_taken(overlap->taken);
}

std::unique_ptr<Work> prepare(Operation const& operation, Site const& site) {
  auto const& overlap = std::get<Overlap>(operation);
  check_members(overlap.collective, site);
  // First of all: nothing that one rank alone meets may come before what all of them do together.
  auto& communicator = nccl_communicator(site, site.groups, overlap.taken);
  std::string reasons;
  auto const* const method = find_cuda_gemm(overlap.gemm, reasons);
  if (!method) throw Error(Exit::incomplete, reasons);
  return std::make_unique<CudaNccl>(overlap, site, *method, communicator);
}

} // namespace

extern Backend const overlap_cuda_backend;
Backend const overlap_cuda_backend{
    "overlap_cuda", "cuda",   "a matrix product and an NCCL collective on two streams at once", false, supports,
    prepare,        "overlap"};

} // namespace maru
