/* Names with numbers: `pc1..40` stands for pc1, pc2, … pc40, in this order.
 *
 * As the key of a map's entry it makes one entry each, and `1..40` inside of that entry becomes the
 * number of its own: `pc1..40: {address: pc1..40@a.example}`. As an element of a list it makes one
 * element each. Anywhere else it is a text like any other. */
#pragma once

#include "scenario/yaml.h"

/* Changes the tree, whose new parts lie in `arena` and say that they stand where the range does.
 * False, with an error, when a range is wrong or they come to too much; then the tree is not whole.
 */
bool yaml_expand_ranges(YamlNode *root, Arena *arena, Diagnostics *diagnostics);
