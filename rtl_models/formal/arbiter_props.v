// rr_arbiter: one grant when somebody asks, none otherwise, only to one who asks; and a requester that keeps
// asking is passed over by at most N - 1 winners.
module arbiter_props #(
    parameter N = 5,
    parameter WHO = N - 1  // the requester that is followed
) (
    input wire clk,
    input wire rst,
    input wire [N-1:0] request,
    input wire moved
);
    wire [N-1:0] grant;
    wire [2:0] pointer;
    rr_arbiter #(
        .N(N),
        .INDEX_BITS(3)
    ) arbiter (
        .clk(clk),
        .rst(rst),
        .request(request),
        .moved(moved),
        .grant(grant),
        .pointer(pointer)
    );

    // WHO keeps asking until it wins; others win meanwhile
    reg waits;
    reg [2:0] passed;
    always @(posedge clk)
        if (rst) begin
            waits <= 0;
            passed <= 0;
        end else begin
            waits <= request[WHO] & ~(grant[WHO] & moved);
            if (grant[WHO] & moved) passed <= 0;
            else if (request[WHO] & moved) passed <= passed + 1'b1;
        end

    wire [3:0] to_go = pointer <= WHO ? WHO - pointer : WHO + N - pointer;
    always @* begin
        assume (request[WHO] | ~waits);
        assert (pointer < N);
        assert ((grant & ~request) == 0);
        assert ((grant & (grant - 1'b1)) == 0);
        assert ((grant != 0) == (request != 0));
        assert (passed < N);
        // what makes it inductive: nobody between WHO and the pointer can win again before WHO
        assert (passed + to_go < N);
        assert (waits | passed == 0);
    end
endmodule
