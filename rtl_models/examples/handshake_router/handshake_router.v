// A five-port mesh router with valid/ready ports: a stranger to this project. Dimension order (x first), a FIFO of
// four words behind each input, a register before each output, round-robin arbiters that remember the last winner.
// Word: {packet (12), y (2), x (2)}. x grows to the east, y to the north.
module handshake_router (
    input  wire clk,
    input  wire reset,
    input  wire [1:0] my_x,
    input  wire [1:0] my_y,
    input  wire [15:0] e_i, n_i, w_i, s_i, l_i,
    input  wire e_i_valid, n_i_valid, w_i_valid, s_i_valid, l_i_valid,
    output wire e_i_ready, n_i_ready, w_i_ready, s_i_ready, l_i_ready,
    output wire [15:0] e_o, n_o, w_o, s_o, l_o,
    output wire e_o_valid, n_o_valid, w_o_valid, s_o_valid, l_o_valid,
    input  wire e_o_ready, n_o_ready, w_o_ready, s_o_ready, l_o_ready
);
    wire [15:0] front [0:4];
    wire [4:0] waits;      // a word waits at the front of the input's FIFO
    wire [2:0] goes [0:4]; // to this output
    wire [4:0] taken [0:4]; // [output][input]

    wire [4:0] ready, valid;
    wire [4:0] valid_in = {l_i_valid, s_i_valid, w_i_valid, n_i_valid, e_i_valid};
    wire [4:0] ready_out = {l_o_ready, s_o_ready, w_o_ready, n_o_ready, e_o_ready};
    wire [79:0] words_in = {l_i, s_i, w_i, n_i, e_i};
    wire [15:0] words [0:4];
    assign {l_i_ready, s_i_ready, w_i_ready, n_i_ready, e_i_ready} = ready;
    assign {l_o_valid, s_o_valid, w_o_valid, n_o_valid, e_o_valid} = valid;
    assign {l_o, s_o, w_o, n_o, e_o} = {words[4], words[3], words[2], words[1], words[0]};

    genvar k;
    generate
        for (k = 0; k < 5; k = k + 1) begin : port
            reg [15:0] slot [0:3];
            reg [1:0] first;
            reg [2:0] count;
            wire [1:0] behind = first + count[1:0];
            wire enters = valid_in[k] & ready[k];
            wire leaves = taken[0][k] | taken[1][k] | taken[2][k] | taken[3][k] | taken[4][k];
            wire [1:0] to_x = front[k][1:0], to_y = front[k][3:2];
            assign ready[k] = count != 3'd4;
            assign waits[k] = count != 3'd0;
            assign front[k] = slot[first];
            assign goes[k] = to_x > my_x ? 3'd0 : to_x < my_x ? 3'd2 : to_y > my_y ? 3'd1 : to_y < my_y ? 3'd3 : 3'd4;
            always @(posedge clk)
                if (reset) begin
                    first <= 2'd0;
                    count <= 3'd0;
                end else begin
                    if (enters) slot[behind] <= words_in[16*k+:16];
                    if (leaves) first <= first + 2'd1;
                    count <= count + {2'b0, enters} - {2'b0, leaves};
                end

            // the output: whoever stands nearest behind the last winner
            reg [15:0] word;
            reg full;
            reg [2:0] last;
            wire free = ~full | ready_out[k];
            wire [4:0] asks = {waits[4] & goes[4] == k, waits[3] & goes[3] == k, waits[2] & goes[2] == k,
                               waits[1] & goes[1] == k, waits[0] & goes[0] == k};
            wire [9:0] twice = {asks, asks};
            wire [3:0] turned = twice[last+4'd1+:4];
            wire [2:0] steps = turned[0] ? 3'd0 : turned[1] ? 3'd1 : turned[2] ? 3'd2 : turned[3] ? 3'd3 : 3'd4;
            wire [3:0] far = last + 4'd1 + steps;
            wire [2:0] winner = far >= 4'd5 ? far[2:0] - 3'd5 : far[2:0];
            assign taken[k] = free & |asks ? 5'd1 << winner : 5'd0;
            assign words[k] = word;
            assign valid[k] = full;
            always @(posedge clk)
                if (reset) begin
                    full <= 1'b0;
                    last <= 3'd4;
                end else if (free) begin
                    full <= |asks;
                    if (|asks) begin
                        word <= front[winner];
                        last <= winner;
                    end
                end
        end
    endgenerate
endmodule
