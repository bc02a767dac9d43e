"""Every page of the dashboard, in the order of the navigation. A page is one file and one line."""

from dashboard.page import Page
from dashboard.pages import alert, alerts, devices, shipment, shipments, wall
from dashboard.pages import map as map_page

PAGES: tuple[Page, ...] = (
    map_page.PAGE,
    alerts.PAGE,
    alert.PAGE,
    shipments.PAGE,
    shipment.PAGE,
    devices.PAGE,
    wall.PAGE,
)
