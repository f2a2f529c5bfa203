/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch top: a look on the whole terminal, with ncurses where it is there. */
#include "config.h"

#include "tool.h"
#include "top.h"

#ifdef HAVE_NCURSES

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Above the regions, and the line with the keys below them. */
#define OTHER_LINES 6

static SCREEN *screen;
static size_t first_region;

bool top_screen_open(void)
{
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	first_region = 0;
	return true;
}

void top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

/* As much of a line as there is room for, in characters. */
static void draw_line(int y, const char *line)
{
	wchar_t wide[512];
	size_t n = mbstowcs(wide, line, sizeof(wide) / sizeof(*wide) - 1);

	if (n != (size_t)-1)
		mvaddnwstr(y, 0, wide, n < (size_t)COLS ? (int)n : COLS);
}

static size_t region_lines(void)
{
	return LINES > OTHER_LINES ? (size_t)(LINES - OTHER_LINES) : 0;
}

static void draw(const struct top_look *look)
{
	char *text = top_text(look, first_region, region_lines());
	char *rest = NULL;
	int y = 0;

	erase();
	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		attrset(y == 0 ? A_BOLD : A_NORMAL);
		draw_line(y++, line);
	}
	attrset(A_REVERSE);
	draw_line(LINES - 1, look->n_regions > region_lines() ?
			     "q: quit   up, down: other regions" : "q: quit");
	attrset(A_NORMAL);
	refresh();
	free(text);
}

static void scroll_by(const struct top_look *look, int n)
{
	size_t last = look->n_regions > region_lines() ?
		      look->n_regions - region_lines() : 0;

	if (n < 0 && first_region < (size_t)-n)
		first_region = 0;
	else
		first_region += (size_t)n;
	if (first_region > last)
		first_region = last;
}

/* Does what a key asks for; false if that is the end. */
static bool obey(const struct top_look *look, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case KEY_UP:
		scroll_by(look, -1);
		break;
	case KEY_DOWN:
		scroll_by(look, 1);
		break;
	case KEY_PPAGE:
		scroll_by(look, -(int)region_lines());
		break;
	case KEY_NPAGE:
		scroll_by(look, (int)region_lines());
		break;
	case KEY_RESIZE:
		break;
	default:
		return true;
	}
	draw(look);
	return true;
}

bool top_screen_show(const struct top_look *look, double seconds)
{
	uint64_t end = ww_stats_now() + (uint64_t)(seconds * 1e9), now;

	scroll_by(look, 0);
	draw(look);
	while ((now = ww_stats_now()) < end) {
		uint64_t ms = (end - now) / 1000000 + 1;

		timeout(ms < TOP_STAY_SECONDS * 1000 ? (int)ms :
			(int)(TOP_STAY_SECONDS * 1000));
		if (!obey(look, getch()))
			return false;
		if (top_stay(look) == -ESRCH)
			break;
	}
	return true;
}

#else

bool top_screen_open(void)
{
	return false;
}

void top_screen_close(void)
{
}

bool top_screen_show(const struct top_look *look, double seconds)
{
	(void)look;
	(void)seconds;
	return false;
}

#endif
