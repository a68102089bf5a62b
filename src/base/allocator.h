// What the program's allocator keeps for itself.
#pragma once

namespace spc {

/// Gives its free pages back to the system. For the end of a phase that allocates other sizes than
/// what follows: pieces that small objects were cut from are put together again only then, so
/// phases that alternate would take more each time. Does nothing with an allocator that gives pages
/// back by itself.
void give_free_pages_back();

}  // namespace spc
