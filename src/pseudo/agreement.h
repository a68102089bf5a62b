// How well two labelings of the same utterances agree, e.g. clusters with speakers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spc {

struct Agreement {
  int64_t utterances = 0;
  int64_t clusters = 0;  // labels that occur
  int64_t classes = 0;   // of the reference
  /// Mutual information over the mean of both entropies, in [0, 1]. It rises with the number of
  /// clusters, also where labels are drawn by chance; `ami` does not.
  double nmi = 0;
  /// The same, less what chance would give. Vinh, Epps, Bailey, "Information Theoretic Measures for
  /// Clusterings Comparison", JMLR 2010.
  double ami = 0;
  double purity = 0;  // share of utterances that are of the commonest class of their cluster
  double inverse_purity = 0;  // share that are in the commonest cluster of their class
  double pairwise_f1 = 0;     // of pairs with the same label, against pairs of the same class
  double accuracy = 0;        // under the best assignment of clusters to classes, one to one
};

/// @param labels, reference  of each utterance, >= 0; as many of the one as of the other, at least
/// one
Agreement agreement(const std::vector<int32_t>& labels, const std::vector<int32_t>& reference);

/// An object with these names.
std::string to_json(const Agreement& agreement);

}  // namespace spc
