"""The report: records become page data, page data become one HTML file."""
