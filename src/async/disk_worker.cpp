// SPDX-License-Identifier: Apache-2.0
#include "async/disk_worker.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "async/signal.hpp"

namespace async {

namespace {

struct Job {
  std::move_only_function<void()> work;
  detail::Signal done;
};

}  // namespace

struct DiskWorker::Queue {
  void run(const Options& options);

  std::size_t limit = 0;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;  // guarded by mutex, as the rest
  bool ending = false;
  std::uint64_t calls = 0;
  std::uint64_t refused = 0;
};

void DiskWorker::Queue::run(const Options& options) {
  pthread_setname_np(pthread_self(), options.name.substr(0, 15).c_str());
  if (options.nice != 0) (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), options.nice);
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return ending || !jobs.empty(); });
    if (jobs.empty()) return;
    Job job = std::move(jobs.front());
    jobs.pop_front();
    lock.unlock();
    std::exception_ptr error;
    try {
      job.work();
    } catch (...) {
      error = std::current_exception();
    }
    job.work = nullptr;  // its captures go before the caller, whose locals they may name, runs on
    job.done.fire(std::move(error));
    lock.lock();
  }
}

DiskWorker::DiskWorker(const Options& options) : queue_(std::make_unique<Queue>()) {
  queue_->limit = options.queue_limit;
  for (std::size_t i = 0; i < options.threads; ++i) {
    queue_->threads.emplace_back([queue = queue_.get(), options] { queue->run(options); });
  }
}

DiskWorker::~DiskWorker() {
  join();
}

void DiskWorker::join() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->ending = true;
  }
  queue_->changed.notify_all();
  for (std::thread& thread : queue_->threads) thread.join();
  queue_->threads.clear();
}

DiskWorker::Stats DiskWorker::stats() const {
  const std::lock_guard lock(queue_->mutex);
  return {queue_->calls, queue_->refused, queue_->jobs.size()};
}

Task<bool> DiskWorker::run_erased(std::move_only_function<void()> work) {
  detail::SignalWait wait;
  {
    const std::lock_guard lock(queue_->mutex);
    if (queue_->ending || queue_->jobs.size() >= queue_->limit) {
      ++queue_->refused;
      co_return false;
    }
    ++queue_->calls;
    queue_->jobs.push_back({std::move(work), wait.make_signal()});
  }
  queue_->changed.notify_one();
  co_await wait.wait();
  co_return true;
}

void DiskWorker::throw_overloaded() {
  throw std::runtime_error("too much work is waiting for the disk");
}

}  // namespace async
