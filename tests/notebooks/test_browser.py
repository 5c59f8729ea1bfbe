"""A reader opens the notebook in JupyterLab, runs it, and moves a slider."""

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from momentum_dynamics import (
    GradientDescent,
    HeavyBall,
    mean_square_limit,
    queue_moments,
    spectral_radius,
    tune,
    worst_rate,
)

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ROOTS = "02_what_momentum_does_to_a_quadratic"
MEAN = "07_where_does_the_momentum_come_from"
PATHS = "08_the_mean_is_fine_you_are_not"
PATIENCE = 120_000
"""Milliseconds, for a loaded machine; on a free one all of it takes some twenty seconds."""
CLICK = 20_000
"""The same for one click on a menu."""
TRIES = 3
"""Pages that are opened before the sliders are given up."""

LABEL = ".widget-label"


def missing(what):
    """Skip on a laptop; in CI, where it must not be missing, fail."""
    reason = f"{what} is not installed, so no slider was moved in a real JupyterLab."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def chromium():
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    return found or missing("Chromium")


@pytest.fixture
def sync_api():
    try:
        import jupyterlab
        from playwright import sync_api
    except ImportError as error:
        return missing(error.name)
    del jupyterlab
    return sync_api


@pytest.fixture
def lab(build, tmp_path, request):
    """A JupyterLab with nothing of the user's in it, at the notebook without its outputs."""
    name = request.param
    folders = {
        part: tmp_path / part for part in ("config", "data", "runtime", "settings", "notebooks")
    }
    settings = {
        # The news would cover the corner; cells out of sight would not be in the page.
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for place, content in settings.items():
        file = folders["settings"] / "@jupyterlab" / f"{place}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    folders["notebooks"].mkdir()
    source = build.FOLDER / f"{name}.py"
    build.nbformat.write(build.convert(source), folders["notebooks"] / f"{name}.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")},
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        "JUPYTER_DATA_DIR": str(folders["data"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(folders["settings"]),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"),
        f"--ServerApp.root_dir={folders['notebooks']}",
    ]
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"{address}/api?token={token}", server, tmp_path / "server.log")
            yield f"{address}/doc/tree/{name}.ipynb?token={token}&reset"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(address, server, log):
    for _ in range(PATIENCE // 250):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.25)
    pytest.fail(f"JupyterLab did not answer: {log.read_text()[-2000:]}")


def _open_and_run(browser, address, sync_api, words="spectral radius", count=2):
    """A page with the notebook run to its end; if no sliders come, a fresh page of the same.

    On a loaded machine the page may lose its kernel or what the kernel sent, after which it waits
    for ever, or covers its menus with a dialog about it. A page that is closed takes nothing with
    it: the kernel lives on, and the file is as it was.
    """
    told = []
    for _ in range(TRIES):
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
        labels = page.locator(LABEL, has_text=words)
        try:
            _run_all(page, sync_api)
            sync_api.expect(labels).to_have_count(count, timeout=PATIENCE // 2)
        except (AssertionError, sync_api.TimeoutError):
            told.append(page.locator("body").inner_text())
            page.close()
        else:
            return page
    pytest.fail(f"No sliders in {TRIES} pages. The last one said:\n{told[-1]}")


def _run_all(page, sync_api):
    """Run all cells; right after the kernel is up the menu sometimes does not hear the click."""
    begun = page.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[(\*|\d+)\]")).first
    for _ in range(8):
        page.get_by_role("menuitem", name="Run", exact=True).click(timeout=CLICK)
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click(timeout=CLICK)
        try:
            begun.wait_for(timeout=4_000)
        except sync_api.TimeoutError:
            page.keyboard.press("Escape")
        else:
            return
    pytest.fail("JupyterLab never began to run the notebook.")


def _type(page, readout, value):
    readout.scroll_into_view_if_needed()
    readout.click()
    page.keyboard.press("Control+A")
    page.keyboard.type(value)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("lab", [ROOTS], indirect=True)
def test_a_reader_moves_the_sliders(chromium, sync_api, lab, tmp_path):
    expect = sync_api.expect
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = _open_and_run(browser, lab, sync_api)
        readouts = page.locator(".widget-readout")
        pictures = page.locator("img.widget-image")
        labels = page.locator(LABEL, has_text="spectral radius")
        expect(labels.nth(0)).to_contain_text(_radius(0.25, 0.1))
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()

        # The momentum of the first explorer, past the moment where the roots leave the real axis.
        before = pictures.nth(0).get_attribute("src")
        _type(page, readouts.nth(0), "0.81")
        expect(labels.nth(0)).to_contain_text(_radius(0.25, 0.81), timeout=PATIENCE)
        expect(labels.nth(0)).to_contain_text("ripples")
        expect(pictures.nth(0)).not_to_have_attribute("src", before, timeout=PATIENCE)
        page.screenshot(path=tmp_path / "slider.png")

        # A preset moves both sliders of the second explorer.
        before = pictures.nth(1).get_attribute("src")
        page.get_by_role("button", name="optimal").nth(1).click()
        best = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=25.0)
        rate = worst_rate(best, [1.0, 25.0])
        expect(labels.nth(1)).to_contain_text(f"spectral radius {rate:.6f}", timeout=PATIENCE)
        expect(readouts.nth(2)).to_have_text(f"{best.momentum:.4f}")
        expect(readouts.nth(3)).to_have_text(f"{best.learning_rate:.4f}")
        expect(labels.nth(0)).to_contain_text(_radius(0.25, 0.81))
        expect(pictures.nth(1)).not_to_have_attribute("src", before, timeout=PATIENCE)
        page.screenshot(path=tmp_path / "preset.png")
        browser.close()


def _radius(learning_rate, momentum):
    method = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    return f"spectral radius {float(spectral_radius(method, 1.0)):.6f}"


@pytest.mark.parametrize(
    ("lab", "words", "button"),
    [(MEAN, "implicit momentum", "critical"), (PATHS, "root of E x²", "at the limit")],
    indirect=["lab"],
)
def test_a_reader_changes_the_workers(chromium, sync_api, lab, words, button, tmp_path):
    expect = sync_api.expect
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = _open_and_run(browser, lab, sync_api, words, 1)
        readouts = page.locator(".widget-readout")
        picture = page.locator("img.widget-image").first
        label = page.locator(LABEL, has_text=words).first
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()

        before = picture.get_attribute("src")
        _type(page, readouts.nth(0), "16")
        told = "momentum 0.937500" if words.startswith("implicit") else _factors(0.3, 16)
        expect(label).to_contain_text(told, timeout=PATIENCE)
        expect(picture).not_to_have_attribute("src", before, timeout=PATIENCE)

        # A preset moves the slider on its log scale.
        page.get_by_role("button", name=button).first.click()
        step = 0.016133  # where the roots of 16 workers meet
        if words.startswith("implicit"):
            told = f"α/M = {step / 16:.6f}"
        else:
            step = float(mean_square_limit(GradientDescent(learning_rate=1.0), workers=16))
            told = _factors(step, 16)
        expect(label).to_contain_text(told, timeout=PATIENCE)
        expect(readouts.nth(1)).to_have_text(f"{step:.4f}")
        page.screenshot(path=tmp_path / "queue.png")
        browser.close()


def _factors(step, workers):
    found = queue_moments(GradientDescent(learning_rate=step), 1.0, workers=workers)
    root = float(found.mean_square_rate) ** 0.5
    return f"mean × {float(found.mean_rate):.4f}, root of E x² × {root:.4f}"
