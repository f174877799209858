"""The page that says what is on this machine."""

import pytest

from tests.tui.hosts import Host
from tms_tui import doctor
from tms_tui.compat import screen_lines
from tms_tui.screens.doctor import DoctorScreen

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("mode", "ascii"), [("braille", False), ("ascii", True)])
async def test_it_shows_what_tms_doctor_prints(mode, ascii, monkeypatch):
    monkeypatch.setattr(doctor.doctor, "_device", lambda: "auto is cpu — [red]really[/red]")
    app = Host(lambda: DoctorScreen(mode), ascii=ascii)
    async with app.run_test(size=(80, 24)) as pilot:
        while "llvmlite" not in "\n".join(screen_lines(app)):
            await pilot.pause(0.05)
        assert "not asked" in doctor.page(mode)
        assert "\\n" not in "\n".join(screen_lines(app))
        assert any(line.strip("│| ").startswith("versions") for line in screen_lines(app))
        await pilot.press("end")
        while "environment" not in (shown := "\n".join(screen_lines(app))):
            await pilot.pause(0.05)
        if ascii:
            assert shown.isascii()
        await pilot.press("D")
        await pilot.pause()
        assert not isinstance(app.screen, DoctorScreen)


def test_the_page_says_what_the_app_uses():
    text = doctor.page("blocks")
    assert "characters  blocks; auto takes " in text
    assert "[red]" not in text
