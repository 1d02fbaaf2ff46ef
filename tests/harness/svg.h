/*
 * svg.h - the screen of a terminal as a picture for the manual.
 *
 * Shapes   one <text> for each run of cells that look alike, at its exact place and as wide as its
 *          cells: whatever monospace font the reader has, columns stay columns.
 */
#ifndef PGSEAL_TESTS_HARNESS_SVG_H
#define PGSEAL_TESTS_HARNESS_SVG_H

#include "core/base/strbuf.h"
#include "tests/harness/pty.h"

void svg_of_screen(struct pty *pty, const char *title, struct strbuf *out);

#endif
