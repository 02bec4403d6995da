#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <memory>
#include <thread>

#include "core/app.hpp"
#include "core/json_text.hpp"
#include "core/percent_encoding.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/system_clock.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;

constexpr unsigned kRounds = 5;  // the median of an odd number is one of them
constexpr const char* kUser = "bench";

/// The query of Fine Uploader for one blob.
std::string query_for(const Account& account, const Rule& rule) {
  std::string name;
  for (const char c : rule.blobs.front().text())
    name.append(c == '*' ? std::string("holiday photo 0001") : std::string(1, c));
  const std::size_t user = name.find("{user}");
  if (user != std::string::npos) name.replace(user, std::string_view("{user}").size(), kUser);
  std::string query("bloburi=");
  append_query_encoded(query, account.endpoints.front().url() + "/" + rule.container + "/" + name);
  return query + "&_method=PUT&qqtimestamp=1790000000000";
}

struct Subject {
  std::shared_ptr<const Site> site;
  std::string query;
  std::string what;
};

Request request_for(const Subject& subject) {
  Request request;
  request.endpoint = "signature";
  request.method = "GET";
  request.query = subject.query;
  request.user = kUser;
  request.remote_addr = "192.0.2.1";
  return request;
}

/// True if the request is granted, so that what is measured is a signature.
bool is_granted(const Subject& subject) {
  const SystemClock clock;
  Response response;
  App(subject.site, clock).handle(request_for(subject), response);
  return response.status == Status::ok;
}

/// Answers requests in `threads` threads for `length`; signatures a second, of all threads together.
double run(const Subject& subject, unsigned threads, duration<double> length) {
  constexpr unsigned kBatch = 64;  // looking at the clock is not to be measured
  std::atomic<std::uint64_t> total{0};
  std::barrier start(static_cast<std::ptrdiff_t>(threads));
  std::vector<double> seconds(threads);
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] {
        const SystemClock clock;
        App app(subject.site, clock);
        const Request request = request_for(subject);
        Response response;
        for (unsigned warm = 0; warm < kBatch * 16; ++warm)
          app.handle(request, response);
        start.arrive_and_wait();
        const auto begin = Clock::now();
        std::uint64_t count = 0;
        duration<double> passed{0};
        for (; passed < length; passed = Clock::now() - begin, count += kBatch) {
          for (unsigned n = 0; n < kBatch; ++n)
            app.handle(request, response);
        }
        total += count;
        seconds[i] = passed.count();
      });
    }
  }
  return static_cast<double>(total) / *std::ranges::max_element(seconds);
}

/// What a number of threads reached in several rounds.
struct Figure {
  unsigned threads = 0;
  double median = 0;  ///< signatures a second
  double lowest = 0;
  double highest = 0;
};

Figure measure(const Subject& subject, unsigned threads, double seconds) {
  (void)run(subject, threads, duration<double>(seconds / kRounds / 2));  // caches, and the processor's clock
  std::vector<double> rounds;
  for (unsigned round = 0; round < kRounds; ++round)
    rounds.push_back(run(subject, threads, duration<double>(seconds / kRounds)));
  std::ranges::sort(rounds);
  return {threads, rounds[kRounds / 2], rounds.front(), rounds.back()};
}

/// Of the time of one thread.
double nanoseconds(const Figure& figure) {
  return 1e9 * figure.threads / figure.median;
}

constexpr const char* kScope =
    "In this process: from a request as nginx describes it to the answer, with parsing, rules and signature. "
    "Not in it: nginx, TLS, FastCGI and the log, which cost ten times as much and more (see README, Speed).";

void put(JsonText& json, const char* name, const Figure& figure) {
  json.begin_object(name);
  json.number("threads", figure.threads);
  json.number("signatures_per_second", std::llround(figure.median));
  json.number("lowest", std::llround(figure.lowest));
  json.number("highest", std::llround(figure.highest));
  json.number("ns_per_signature", std::llround(nanoseconds(figure)));
  json.end_object();
}

void print(const char* name, const Figure& figure) {
  std::cout << std::left << std::setw(12) << name << std::right << std::setw(10)
            << std::llround(figure.median) << " signatures/s  " << std::setw(6)
            << std::llround(nanoseconds(figure)) << " ns each on its core  (lowest "
            << std::llround(figure.lowest) << ", highest " << std::llround(figure.highest) << " of "
            << kRounds << " rounds)\n";
}

ExitCode measure_and_print(const Subject& subject, double seconds, bool as_json) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const Figure one = measure(subject, 1, seconds);
  const Figure all = measure(subject, cores, seconds);
  if (as_json) {
    JsonText json;
    json.begin_object();
    json.text("configuration", subject.what);
    json.text("scope", kScope);
    json.number("rounds", kRounds);
    put(json, "one_core", one);
    put(json, "all_cores", all);
    json.end_object();
    std::cout << json.take();
    return ExitCode::success;
  }
  std::cout << "Signing for " << subject.what << "\n";
  print("one core", one);
  print(cores == 1 ? "all: 1 core" : ("all: " + std::to_string(cores) + " cores").c_str(), all);
  std::cout << kScope << "\n";
  return ExitCode::success;
}

struct BenchOptions {
  double seconds = 2;
  bool sample = false;
  bool json = false;
};

/// The first rule that lets the user of the benchmark upload.
std::optional<Subject> subject_of(const std::string& config_file, ConfigFaults& faults) {
  const auto site = SiteLoader(config_file).load();
  const auto file = read_config_file(config_file);
  if (!site || !file) {
    faults = site ? file.error() : site.error();
    return std::nullopt;
  }
  for (const Rule& rule : file->config.rules) {
    if (rule.put_permissions.text().empty()) continue;
    const Account& account = file->config.accounts[rule.account_index];
    Subject subject{*site, query_for(account, rule), "rule " + rule.name + " of " + config_file};
    if (is_granted(subject)) return subject;
  }
  return std::nullopt;
}

/// A site like the example of the README, with a key that is nobody's.
Subject sample() {
  constexpr std::string_view kSample = R"({
    "accounts": [{"name": "acmeuploads", "endpoint": "https://acmeuploads.blob.core.windows.net",
                  "credential": {"type": "shared_key", "key_file": "none"}}],
    "rules": [{"name": "own-folder", "account": "acmeuploads", "container": "uploads", "blobs": ["{user}/**"],
               "methods": ["PUT", "DELETE"]}]})";
  Config config = *Config::parse(kSample);
  const std::string query = query_for(config.accounts.front(), config.rules.front());
  auto key = AccountKey::parse(std::string(86, 'A') + "==");
  std::vector<AccountKeys> keys{{std::make_shared<const SigningKey>(std::move(*key)), nullptr}};
  return {std::make_shared<const Site>(std::move(config), std::move(keys)), query, "the built-in sample"};
}

ExitCode bench(const std::string& config_file, const BenchOptions& options) {
  if (options.sample) return measure_and_print(sample(), options.seconds, options.json);
  ConfigFaults faults;
  const auto subject = subject_of(config_file, faults);
  if (!faults.empty()) {
    print_faults(faults);
    return ExitCode::bad_configuration;
  }
  if (!subject) {
    std::cerr << "rules: none lets a user named bench upload; use --sample\n";
    return ExitCode::refused;
  }
  return measure_and_print(*subject, options.seconds, options.json);
}

}  // namespace

void add_bench(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("bench", "Measure signatures per second on this machine");
  add_config_option(*command, line);
  const auto options = std::make_shared<BenchOptions>();
  command->add_option("--seconds", options->seconds, "How long to measure, for one core and again for all")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 600.0));
  command->add_flag("--sample", options->sample, "Use a built-in configuration");
  command->add_flag("--json", options->json, "One JSON object");
  command->callback([options, &line] { line.outcome = bench(line.config_file, *options); });
}

}  // namespace blobvalet::fcgi
