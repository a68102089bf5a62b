#include "train/cluster_config.h"

#include <algorithm>

#include "base/error.h"
#include "pseudo/kmeans.h"

namespace spc {
namespace {

// @param name_of  what "num_clusters" is called
template <class NameOf>
void add_options(ClusterConfig& config, OptionSet& options, NameOf name_of) {
  options.add(name_of("num_clusters"), config.num_clusters, "clusters");
  options.add(name_of("metric"), config.metric,
              "cosine: directions, spherical k-means; or euclidean");
  options.add(name_of("seed"), config.seed, "of the first centroids");
  options.add(name_of("seeding"), config.seeding,
              "kmeans++: each first centroid far from those before, one look at all rows for each; "
              "or random: rows drawn by chance");
  options.add(name_of("max_passes"), config.max_passes, "passes over all rows");
  options.add(name_of("tolerance"), config.tolerance,
              "relative change of the objective from pass to pass at which it ends");
  options.add(name_of("pca_dim"), config.pca_dim, "directions that half-whitening keeps at most");
  options.add_check([&config] { config.validate(); });
}

constexpr const char* kHalfWhitenHelp =
    "remove the mean, turn to the main directions, divide each by the root of its singular value; "
    "writes whitening.h5";

}  // namespace

void ClusterConfig::add_to(OptionSet& options) {
  add_options(*this, options, [](const std::string& name) { return "cluster." + name; });
  options.add("cluster.half_whiten", half_whiten, kHalfWhitenHelp);
}

void ClusterConfig::add_flags_to(OptionSet& options) {
  add_options(*this, options, [](std::string name) {
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
  });
  options.add_switch("half-whiten", half_whiten, kHalfWhitenHelp);
}

void ClusterConfig::validate() const {
  to_metric(metric);
  SPC_USAGE_CHECK(seeding == "kmeans++" || seeding == "random", "seeding = ", seeding,
                  ", must be kmeans++ or random");
  SPC_USAGE_CHECK(num_clusters >= 1, "the number of clusters must be >= 1");
  SPC_USAGE_CHECK(max_passes >= 1 && tolerance >= 0 && pca_dim >= 1,
                  "passes must be >= 1, the tolerance >= 0, the directions of half-whitening >= 1");
}

std::string ClusterConfig::text() const {
  return concat("k ", num_clusters, ", ", metric, ", ", seeding, ", seed ", seed, ", at most ",
                max_passes, " passes to ", to_text(tolerance),
                half_whiten ? concat(", half-whitened, ", pca_dim, " directions") : "");
}

}  // namespace spc
